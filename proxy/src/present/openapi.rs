//! x
/// x
pub fn document(_: &str, _: &[netweave_model::subscription::Major]) -> netweave_model::Result<Vec<u8>> { Ok(vec![]) }
