//! The suite of the subscriptions.

crate::stores::suite!(subscriptions:
    a_created_one_can_be_read,
    an_equal_one_of_the_owner_is_a_duplicate,
    quotas_hold,
    pages_are_ordered_by_id,
    an_update_changes_what_it_names,
    an_update_is_refused,
    an_update_moves_what_counts_as_duplicate,
    a_renewal_prolongs_the_lease,
    an_expired_one_is_gone_before_the_sweep,
    a_deleted_one_leaves_nothing,
    a_sweep_ends_the_expired,
    a_sweep_keeps_queued_items_as_dead_letters,
    since_tells_the_difference,
    since_an_unknown_version_is_complete,
    since_tells_of_expiry,
    a_saved_one_goes_on_where_it_was,
    a_saved_one_replaces_only_what_is_older,
);
