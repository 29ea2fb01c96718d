//! The one thread that writes: takes a batch, writes it, syncs, answers. Sleeps while there is nothing to write.

use crate::shared::Shared;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Starts the writer.
pub(crate) fn spawn(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    Builder::new().name("netweave-store".to_owned()).spawn(move || {
        let guard = Guard(&shared);
        run(&shared);
        drop(guard);
    })
}

fn run(shared: &Shared) {
    let mut company = false;
    while let Some((batch, ticket)) = shared.next_batch(company) {
        company = batch.operations > 1;
        let transaction = shared.database.begin_write().map_err(redb::Error::from);
        if let Err(error) = transaction.and_then(|transaction| batch.write(transaction, shared.now())) {
            shared.fail(&error);
            return;
        }
        shared.written(&batch, ticket);
    }
}

/// Closes the store if the writer panics, so that nobody waits for ever.
struct Guard<'a>(&'a Shared);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&redb::Error::Io(io::Error::other("the writer panicked")));
        }
    }
}
