//! The names of all cases, and what each needs of the source: the one list of them.

/// Hands all cases to a macro, in their order: `then! { [given] name: [needs]; .. }`.
///
/// The large case is last.
#[macro_export]
macro_rules! every_backend_case {
    ($then:ident [ $($given:tt)* ]) => {
        $then! {
            [ $($given)* ]
            list_equals_stream_after_synced: [];
            upserts_and_deletes_are_seen: [MixedChanges];
            listing_is_sorted_and_unique: [];
            get_agrees_with_list: [];
            capability_flags_match: [];
            repeated_state_is_harmless: [];
            a_change_while_the_stream_begins_is_told: [MixedChanges];
            streams_are_independent: [];
            a_quiet_source_gives_a_sign_of_life: [];
            peer_gone_and_back: [MixedChanges];
            a_throttled_peer_is_told_and_spared: [Network];
            a_slow_peer_is_read_completely: [Network];
            answers_that_cannot_be_read_delete_nothing: [Network];
            refusals_delete_nothing: [Network];
            odd_answers_delete_nothing_and_need_little_memory: [Network];
            page_borders_are_complete: [];
            a_large_source_is_told_completely: [];
        }
    };
}
