//! The backend suite, run by every backend, by the layers around one, and by the shared poller.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "code of tests: a panic says what is not as it must be, and a skipped test says so"
)]

mod aws;
mod aws_kinds;
mod cluster;
mod cluster_kinds;
mod file;
mod gcp;
mod gcp_faults;
mod gcp_kinds;
mod parts;
mod shelf;
mod vmware;
mod vmware_faults;
mod vmware_kinds;

/// Runs every case of the suite on a bench of its own.
macro_rules! suite {
    ($name:ident, $bench:expr) => {
        mod $name {
            suite!(@cases $name $bench;
                list_equals_stream_after_synced,
                upserts_and_deletes_are_seen,
                listing_is_sorted_and_unique,
                get_agrees_with_list,
                capability_flags_match,
                peer_gone_and_back,
                repeated_state_is_harmless,
                a_change_while_the_stream_begins_is_told,
                streams_are_independent,
                page_borders_are_complete,
                a_quiet_source_gives_a_sign_of_life,
                a_throttled_peer_is_told_and_spared,
                a_slow_peer_is_read_completely,
                answers_that_cannot_be_read_delete_nothing,
                refusals_delete_nothing,
                a_large_source_is_told_completely,
            );
        }
    };
    (@cases $name:ident $bench:expr; $($case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (name, case) = (stringify!($name), stringify!($case));
                netweave_tests::conformance::backend::run(name, case, &mut $bench).await;
            }
        )+
    };
}

/// The same for a bench on a peer that may not be there: then every case says that it was skipped.
macro_rules! peer_suite {
    ($name:ident, $bench:expr, $script:literal) => {
        mod $name {
            peer_suite!(@cases $name $bench, $script;
                list_equals_stream_after_synced,
                upserts_and_deletes_are_seen,
                listing_is_sorted_and_unique,
                get_agrees_with_list,
                capability_flags_match,
                peer_gone_and_back,
                repeated_state_is_harmless,
                a_change_while_the_stream_begins_is_told,
                streams_are_independent,
                page_borders_are_complete,
                a_quiet_source_gives_a_sign_of_life,
                a_large_source_is_told_completely,
            );
        }
    };
    (@cases $name:ident $bench:expr, $script:literal; $($case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let Some(mut bench) = $bench.await else {
                    return eprintln!(concat!("SKIPPED: a peer is missing; run tests/peers/", $script));
                };
                let (name, case) = (stringify!($name), stringify!($case));
                netweave_tests::conformance::backend::run(name, case, &mut bench).await;
            }
        )+
    };
}

suite!(inventory_file, crate::backend::file::FileBench::bare());
suite!(guarded_inventory_file, crate::backend::file::FileBench::guarded());
peer_suite!(gcp_source, crate::backend::gcp::GcpBench::bare(), "compute.sh");
peer_suite!(guarded_gcp_source, crate::backend::gcp::GcpBench::guarded(), "compute.sh");
suite!(vcenter_in_pages, crate::backend::vmware::VcenterBench::bare().await);
suite!(guarded_vcenter, crate::backend::vmware::VcenterBench::guarded().await);
suite!(polled_source, crate::backend::shelf::ShelfBench::new());
