//! The suite of the leases.

crate::stores::suite!(leases:
    a_held_lease_is_refused_to_others,
    the_holder_may_take_it_again,
    a_fresh_hold_has_a_higher_fence,
    only_the_holder_renews,
    release_needs_the_fence,
    subscriptions_are_renewed_beside_leases,
    a_release_wakes_those_who_wait,
    a_revoked_lease_begins_anew,
);
