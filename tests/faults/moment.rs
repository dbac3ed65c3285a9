//! The moments of a run, and the database in which each of them is there to be found.

use howdah::model::connection::Endpoint;

use crate::support;

/// The largest table comes first, `last` at the end. `halted`'s 1500th row waits where somebody holds the key of its check: in
/// the destination of a run that shall be in the middle of its rows.
const SHOP: &str = "
    create function halt(n int) returns bool language plpgsql immutable as $$ begin
        if n = 1500 then perform pg_advisory_xact_lock_shared(4711); end if; return true; end $$;
    create table parts (id int primary key, body text not null);
    insert into parts select n, repeat(md5(n::text), 10) from generate_series(1, 4000) n;
    create table halted (id serial primary key, body text, check (public.halt(id)));
    insert into halted (body) select md5(n::text) from generate_series(1, 3000) n;
    create table last (id int generated always as identity primary key, halted int references halted, f float8);
    insert into last (halted, f) select n, n / 7.0 from generate_series(1, 200) n;
    insert into last (f) values ('NaN'), ('-0'), (1e-310);
    -- What a counter has in advance, a server that crashes skips: none has any.
    select setval('halted_id_seq', 3000), setval('last_id_seq', 203);
    create table twice (a int);
    insert into twice values (1), (1), (null);
    create index last_halted on last (halted);
    -- A server that crashes empties it, whatever it had confirmed.
    create unlogged table fleeting (id int, body text);
    create view seen as select id from halted where id < 10;
    create materialized view totals as select count(*) from public.parts;
    create sequence counter; select setval('counter', 42);
    comment on table last is 'the last';
    create table gone (what text);
    create function note_what_goes() returns event_trigger language plpgsql as
        $$ begin insert into public.gone select object_identity from pg_event_trigger_dropped_objects(); end $$;
    create event trigger noted on sql_drop execute function note_what_goes();
    comment on event trigger noted is 'at the very end';
    alter database THIS set app.color = 'blue';
    comment on database THIS is 'of the house'";

const FLEETING: &str =
    "insert into fleeting select n, repeat('x', 2000) from generate_series(1, 2000) n; analyze";

/// For a run that brings rows alone. What an event trigger notes of a run's scaffold would be there as a row.
const EMPTY: &str = "
    alter event trigger noted disable;
    truncate parts, halted, last, twice, fleeting, gone restart identity;
    select setval('counter', 1, false);
    refresh materialized view totals";

/// What such a run leaves to who runs it, and says so.
const BY_HAND: &str = "
    refresh materialized view totals;
    alter event trigger noted enable";

/// `parts` has some 1.3 MB.
const PART: &str = "400kB";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Schema,
    MiddleOfTable,
    BetweenTables,
    MiddleOfSplit,
    Index,
    Sequences,
    Verify,
    CleanUp,
    ExistingTable,
}

impl Moment {
    pub(crate) const ALL: [Self; 9] = [
        Self::Schema,
        Self::MiddleOfTable,
        Self::BetweenTables,
        Self::MiddleOfSplit,
        Self::Index,
        Self::Sequences,
        Self::Verify,
        Self::CleanUp,
        Self::ExistingTable,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::MiddleOfTable => "middle of a table",
            Self::BetweenTables => "between tables",
            Self::MiddleOfSplit => "middle of a split table",
            Self::Index => "index build",
            Self::Sequences => "sequences",
            Self::Verify => "verify",
            Self::CleanUp => "clean-up",
            Self::ExistingTable => "middle of a table that was there",
        }
    }

    /// Where the run stops: the beginning of a journal key, and the moment of that step. Within a table's rows the table
    /// itself stops it, so there it is where a worker panics.
    pub(crate) fn place(self, method: &str) -> &'static str {
        match self {
            Self::Schema => "schema/TABLE/public.last@commit",
            // FDW's rows have no COMMIT of their own.
            Self::MiddleOfTable | Self::ExistingTable if method == "fdw" => "fdw/commit@commit",
            Self::MiddleOfTable | Self::ExistingTable => "data/public.halted@commit",
            Self::BetweenTables => "data/public.last@begin",
            Self::MiddleOfSplit => "data/public.parts/pages 1@begin",
            Self::Index => "schema/INDEX/public.last_halted@commit",
            Self::Sequences => "sequence/public.counter@commit",
            Self::Verify => "verify/public.last@begin",
            Self::CleanUp if method == "fdw" => "fdw/remove@begin",
            Self::CleanUp => "clean/journal@begin",
        }
    }

    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::MiddleOfSplit => &["--split-larger-than", PART, "--jobs", "2"],
            Self::ExistingTable => &["--schema", "none", "--jobs", "1"],
            _ => &["--jobs", "1"],
        }
    }

    /// The table itself stops the run there.
    pub(crate) fn is_within_rows(self) -> bool {
        matches!(self, Self::MiddleOfTable | Self::ExistingTable)
    }

    /// What the run finds.
    pub(crate) async fn prepare(self, destination: &Endpoint) {
        if self == Self::ExistingTable {
            fill(destination).await;
            support::execute_batch(destination, EMPTY).await;
        }
    }

    pub(crate) async fn finish_by_hand(self, destination: &Endpoint) {
        if self == Self::ExistingTable {
            support::execute_batch(destination, BY_HAND).await;
        }
    }
}

pub(crate) async fn fill(endpoint: &Endpoint) {
    let sql = SHOP.replace("THIS", &endpoint.database);
    support::execute_batch(endpoint, &sql).await;
    refill(endpoint).await;
}

/// A server that is to crash must not lose rows that were copied before: they would be missing in the original.
pub(crate) async fn empty_what_a_crash_empties(source: &Endpoint) {
    support::execute_batch(source, "truncate fleeting").await;
}

pub(crate) async fn refill(endpoint: &Endpoint) {
    support::execute_batch(endpoint, FLEETING).await;
}
