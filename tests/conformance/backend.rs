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

/// Runs every case of the suite, each on a bench of its own; a bench whose peer is not there is none, and says so.
macro_rules! suite {
    ($name:ident, $bench:expr) => {
        mod $name {
            netweave_tests::every_backend_case!(tests [$name $bench]);
        }
    };
}

macro_rules! tests {
    ([$name:ident $bench:expr] $($case:ident: $needs:tt;)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let Some(mut bench) = $bench else {
                    return eprintln!("SKIPPED: {}: its peer is missing", stringify!($name));
                };
                let (name, case) = (stringify!($name), stringify!($case));
                netweave_tests::conformance::backend::run(name, case, &mut bench).await;
            }
        )+
    };
}

suite!(inventory_file, Some(crate::backend::file::FileBench::bare()));
suite!(guarded_inventory_file, Some(crate::backend::file::FileBench::guarded()));
suite!(gcp_source, crate::backend::gcp::GcpBench::bare().await);
suite!(guarded_gcp_source, crate::backend::gcp::GcpBench::guarded().await);
suite!(vcenter_in_pages, Some(crate::backend::vmware::VcenterBench::bare().await));
suite!(guarded_vcenter, Some(crate::backend::vmware::VcenterBench::guarded().await));
suite!(polled_source, Some(crate::backend::shelf::ShelfBench::new()));
