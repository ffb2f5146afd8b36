//! People join, change and leave closed lists by mail, and whoever forges such a mail gets nothing.

mod world;

#[path = "requests/forgeries.rs"]
mod forgeries;
#[path = "requests/person.rs"]
mod person;
#[path = "requests/round_trip.rs"]
mod round_trip;
#[path = "requests/stories.rs"]
mod stories;
