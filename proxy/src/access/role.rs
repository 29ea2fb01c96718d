//! What roles allow, and what operations need.

use crate::conf::tree::Role;
use crate::routes::Operation;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To read the inventory and the documents about the interface.
    Read,
    /// To have subscriptions.
    Subscribe,
    /// To see the state of the sources, and to have them read anew.
    Operate,
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permission {
    /// Returns what an operation needs; `None` if every identity may call it.
    pub fn of(operation: &Operation<'_>) -> Option<Self> {
        match operation {
            Operation::Cloud
            | Operation::ApiVersions(_)
            | Operation::List(..)
            | Operation::Get(..)
            | Operation::TypeDictionary(..)
            | Operation::OpenApi => Some(Self::Read),
            Operation::Subscriptions
            | Operation::Subscription(_)
            | Operation::Lease(_)
            | Operation::Act(..)
            | Operation::DryRun => Some(Self::Subscribe),
            Operation::Sources | Operation::Refresh(_) => Some(Self::Operate),
            Operation::Caller | Operation::Health(_) => None,
        }
    }

    /// Returns the plainest role that has it.
    pub const fn role(self) -> &'static str {
        match self {
            Self::Read => "reader",
            Self::Subscribe => "subscriber",
            Self::Operate => "maintainer",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Subscribe => 2,
            Self::Operate => 4,
        }
    }
}

impl Permissions {
    /// Adds up what some roles allow.
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().flat_map(|role| allowed(*role)).fold(0, |bits, permission| bits | permission.bit()))
    }

    /// Returns whether a permission is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }
}

const fn allowed(role: Role) -> &'static [Permission] {
    match role {
        Role::Admin => &[Permission::Read, Permission::Subscribe, Permission::Operate],
        Role::Maintainer => &[Permission::Read, Permission::Operate],
        Role::Reader | Role::Provisioner | Role::Deployer => &[Permission::Read],
        Role::Subscriber => &[Permission::Subscribe],
        Role::Auditor => &[],
    }
}
