//! The suite of the delivery queues, as far as items are given up.

crate::stores::suite!(dead_letters:
    a_dead_letter_keeps_the_claim,
    dead_letters_are_read_newest_first,
    replay_queues_dead_letters_again,
    a_replay_stops_where_the_queue_is_full,
    an_overflow_leaves_one_resync_notice,
    overflows_add_up,
    an_overflow_ends_the_claim_at_the_next_answer,
    dead_letters_are_bounded,
);
