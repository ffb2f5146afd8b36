//! The public files of a plan:
//!
//! - `stage` makes all of them in a folder beside `public/`. `signatures` signs them and keeps the signatures of earlier runs.
//! - `document` makes the RFC 2350 description and keeps its versions; `archive` adopts versions that a new ledger does not know;
//!   `announcement` tells the closed lists about a new one.
//! - `template_check` tries the workspace's own templates, for `advise check`.

pub(super) mod announcement;
pub(super) mod archive;
pub(super) mod document;
mod signatures;
pub(super) mod stage;
pub(super) mod template_check;
