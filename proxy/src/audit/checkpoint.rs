//! Checkpoints: signed statements about how far chains have come, so that a tail or a whole chain cannot be cut off unseen.

use super::keys::{Public, Signer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What is signed begins with this, so that no other use of the key can be taken for a checkpoint.
const CONTEXT: &[u8] = b"netweave-audit-checkpoint/1\n";

/// Where the chain of a writer had come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The hash of its last record.
    pub hash: String,
    /// The number of that record.
    pub seq: u64,
    /// The time of that record.
    pub time: String,
    /// The writer.
    pub writer: String,
}

/// A signed statement about the chains of some writers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// How far the chains have come, that of the writer itself among them.
    pub heads: Vec<Head>,
    /// Names the key: the first half of the SHA-256 of the public key, in hex.
    pub key: String,
    /// The signature (Ed25519) in base64, over the context and the JSON of heads, time and writer.
    pub signature: String,
    /// When it was made.
    pub time: String,
    /// Who made it.
    pub writer: String,
}

/// What is signed; its members are sorted.
#[derive(Serialize)]
struct Statement<'a> {
    heads: &'a [Head],
    time: &'a str,
    writer: &'a str,
}

fn message(heads: &[Head], time: &str, writer: &str) -> Vec<u8> {
    let mut message = CONTEXT.to_vec();
    // Text and numbers can always be written.
    message.extend(serde_json::to_vec(&Statement { heads, time, writer }).unwrap_or_default());
    message
}

impl Checkpoint {
    /// Signs a statement.
    pub fn sign(signer: &Signer, writer: &str, time: &str, heads: Vec<Head>) -> Self {
        let signature = STANDARD.encode(signer.sign(&message(&heads, time, writer)));
        let (time, writer, key) = (time.to_owned(), writer.to_owned(), signer.id().to_owned());
        Self { heads, key, signature, time, writer }
    }

    /// Says whether the signature is that of the key.
    pub fn is_signed_by(&self, key: &Public) -> bool {
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        self.key == key.id() && key.verifies(&message(&self.heads, &self.time, &self.writer), &signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (Checkpoint, Public) {
        let signer = Signer::generate().unwrap();
        let head = Head { hash: "ab".to_owned(), seq: 7, time: "t".to_owned(), writer: "w".to_owned() };
        (Checkpoint::sign(&signer, "w", "t", vec![head]), signer.public())
    }

    #[test]
    fn a_checkpoint_is_believed_as_it_was_signed_and_not_otherwise() {
        let (checkpoint, key) = signed();
        assert!(checkpoint.is_signed_by(&key));
        assert!(!checkpoint.is_signed_by(&signed().1));
        let mut other = checkpoint.clone();
        other.heads[0].seq = 6;
        assert!(!other.is_signed_by(&key));
        let other = Checkpoint { time: "u".to_owned(), ..checkpoint.clone() };
        assert!(!other.is_signed_by(&key));
        let other = Checkpoint { heads: Vec::new(), ..checkpoint };
        assert!(!other.is_signed_by(&key));
    }
}
