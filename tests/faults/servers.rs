//! What happens to the Redis servers.

use crate::show::{Fault, show};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_killed() {
    let fault = Fault { name: "primary_killed", full_runs: 20, ..Fault::default() };
    show(fault, async |stage| {
        let former = stage.lab.primary();
        stage.lab.kill9(former);
        stage.lab.replaced(former).await;
    })
    .await;
}
