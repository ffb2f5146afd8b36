//! What will be done, and for whom.

mod changes_between_runs;
