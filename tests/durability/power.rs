//! The power is cut at random moments, and any part of what was not synced may be on the disk.

use crate::disk::Disk;
use crate::ledger::{Counts, Ledger};
use crate::load::{self, Notes};
use netweave_tests::harness::Dice;
use netweave_tests::harness::clock::{RandomIds, TestClock};
use netweave_tests::harness::figures;
use std::sync::{Arc, Mutex};

/// How often the power is cut.
fn cuts() -> u64 {
    if figures::full() { 1_000 } else { 40 }
}

/// How many cuts one disk lives through.
const CUTS_PER_DISK: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_acknowledged() {
    let mut dice = Dice(1);
    let mut counts = Counts::default();
    for _ in 0..cuts() / CUTS_PER_DISK {
        let mut disk = Disk::new(u64::MAX);
        let mut ledger = Ledger::default();
        drop(netweave_embedded::open_with(disk.clone(), clock(), Arc::new(RandomIds)).unwrap());
        for _ in 0..CUTS_PER_DISK {
            let fuse = 1 + dice.roll(600);
            disk = disk.after_power_cut(&mut dice, fuse);
            ledger = run_until_cut(&disk, dice.roll(u64::MAX), ledger).await;
            disk = disk.after_power_cut(&mut dice, u64::MAX);
            let store = netweave_embedded::open_with(disk.clone(), clock(), Arc::new(RandomIds)).unwrap();
            counts.add(load::settle(&store, &mut ledger).await);
        }
    }
    figures::record(&format!(
        "power_cuts={} lost_to_power_cuts={}",
        cuts(),
        counts.lost_subscriptions + counts.lost_notifications
    ));
    assert!(counts.subscriptions > 0 && counts.notifications > 0, "{counts:?}");
    assert_eq!((counts.lost_subscriptions, counts.lost_notifications), (0, 0), "{counts:?}");
}

/// Puts load on a store until its disk is without power; opening may be as far as it gets.
async fn run_until_cut(disk: &Disk, seed: u64, ledger: Ledger) -> Ledger {
    let ledger = Arc::new(Mutex::new(ledger));
    if let Ok(store) = netweave_embedded::open_with(disk.clone(), clock(), Arc::new(RandomIds)) {
        let notes: Notes = {
            let ledger = Arc::clone(&ledger);
            Arc::new(move |note| ledger.lock().unwrap().take(note))
        };
        load::run(&store, seed, &notes).await;
    }
    Arc::into_inner(ledger).expect("all tasks have ended").into_inner().unwrap()
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::new())
}
