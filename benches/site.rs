//! The pages of a site that other generators make as well, made by the library; run by `scripts/bench site`, which holds
//! them against Hugo.
//!
//!     site WORKSPACE OUT      a page for each public advisory, lists by year, severity and kind, RSS and sitemap;
//!                             no signed texts, no search

use advise::{
    artefact::Artefact,
    channels::site::Stage,
    publish::Stock,
    receipt::History,
    render::site::{
        advisory::Page,
        feed::{FeedFile, FeedShop},
        feed_format::Format,
        index::{Catalogue, HomePage, ListPage, ListShop},
        pages::SiteShop,
        vendors::Vendors,
    },
    terms::Moment,
    tlp::{Gate, Public, Shareable},
    workspace::{self, Published},
};
use mimalloc::MiMalloc;
use rayon::prelude::*;
use std::{env, path::Path};

/// What the program allocates with.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [workspace, out] => pages(Path::new(workspace), Path::new(out)),
        // `cargo bench` without arguments.
        [] => {}
        _ => panic!("call it as `site WORKSPACE OUT`"),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a benchmark is a program of its own: nothing above it could give it the time"
)]
fn pages(root: &Path, out: &Path) {
    let now = Moment::from_timestamp(jiff::Timestamp::now());
    let reading = workspace::read(root, &now, &Published::default()).expect("a readable folder");
    let workspace = reading.workspace.expect("a workspace without mistakes");
    let gate = Gate::new(&now, &now);
    let open = workspace
        .advisories
        .iter()
        .filter(|advisory| gate.is_open(advisory, &Public));
    let public = gate.open_all(open, Public).expect("all are public");
    let stock = Stock::to_come(&workspace, &History::default(), &now).expect("good words");
    let shop = SiteShop::open(stock.supplies(&workspace.settings.site)).expect("good templates");
    let stage = Stage::into_folder(out).expect("a new folder");
    let put = |file: Shareable<Artefact, Public>| {
        stage.put(&file).expect("written");
    };

    let everything_else = public.make::<Vec<Artefact>>(&shop).expect("pages");
    everything_else.each().for_each(put);
    (0..public.thing().len()).into_par_iter().for_each(|at| {
        let advisory = public.nth(at).expect("one of them");
        for room in shop.rooms() {
            let pages = advisory.make::<Vec<Page>>(room).expect("pages");
            pages.each().for_each(|page| put(page.into_artefact()));
        }
    });
    let no_vendors = Vendors::default();
    let catalogue = Catalogue::new(public.thing(), &no_vendors, &[]);
    let (catalogue, beside) = (&catalogue, catalogue.digest());
    for room in shop.rooms() {
        let scopes: Vec<_> = catalogue.scopes().collect();
        scopes.par_iter().for_each(|&scope| {
            for page in catalogue.pages(scope, room.page_size).all() {
                let list = ListShop {
                    room,
                    catalogue,
                    scope,
                    page,
                    beside,
                };
                put(public
                    .make::<ListPage>(&list)
                    .expect("a list")
                    .into_artefact());
            }
            if scope.feed_folder().is_some() {
                let feed = FeedShop {
                    room,
                    catalogue,
                    scope,
                    formats: &[Format::Rss],
                    editions: &[],
                };
                let files = public.make::<Vec<FeedFile>>(&feed).expect("a feed");
                files.each().for_each(|file| put(file.into_artefact()));
            }
        });
        let home = public.make::<HomePage>(&(room, catalogue)).expect("a page");
        put(home.into_artefact());
    }
    stage
        .finish()
        .and_then(|switch| switch.commit())
        .expect("written");
}
