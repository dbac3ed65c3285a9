//! A database of a managed service, with what the service keeps there for itself: by whom a server is run is told by its roles, so
//! these servers are made to look like Supabase's.

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

const SERVICE: &str = "create role supabase_admin superuser; create role authenticator noinherit;
    create role supabase_auth_admin";

/// What it makes in each database of its users.
const PROVIDED: &str = "create schema auth authorization supabase_admin;
    grant all on schema auth to supabase_auth_admin;
    create type auth.kind as enum ('a', 'b'); alter type auth.kind owner to supabase_auth_admin;
    create table auth.users (id int primary key, kind auth.kind, secret text);
    alter table auth.users owner to supabase_auth_admin;
    create function auth.uid() returns int language sql stable as 'select 1';
    alter function auth.uid() owner to supabase_auth_admin;
    create schema extensions;
    create function extensions.watch() returns event_trigger language plpgsql as 'begin end';
    alter function extensions.watch() owner to supabase_admin;
    create event trigger pgrst_watch on ddl_command_end execute function extensions.watch();
    alter event trigger pgrst_watch owner to supabase_admin;
    alter default privileges for role supabase_admin in schema public grant select on tables to authenticator;
    insert into auth.users values (1, 'a', 'x'), (2, 'b', 'y')";

const USERS: &str = "create extension hstore schema extensions;
    create table public.profile (id int primary key, owner int references auth.users, more extensions.hstore);
    alter table public.profile enable row level security;
    create policy own on public.profile using (owner = auth.uid());
    create table public.plain (id int primary key);
    insert into public.profile values (10, 1, 'a=>1'), (11, 2, null); insert into public.plain select generate_series(1, 20)";

const MADE: &str = "select concat_ws(' ',
    (select count(*) from public.profile), (select count(*) from public.plain),
    'keys', (select count(*) from pg_constraint where conrelid = 'public.profile'::regclass and contype = 'f' and convalidated),
    'policies', (select count(*) from pg_policy where polrelid = 'public.profile'::regclass),
    'auth', (select count(*) from pg_namespace where nspname = 'auth'),
    'triggers', (select string_agg(evtname, ',') from pg_event_trigger))";

#[tokio::test]
async fn what_a_service_has_for_itself_is_left_out_and_told() {
    let (source, destination) = (support::cluster(), support::cluster());
    let database = async |server: &howdah::demo::cluster::Cluster, name: &str| {
        support::create_database(&server.endpoint("postgres"), name).await;
        server.endpoint(name)
    };
    // On a server of one's own a schema of that name is the user's.
    let own = Pair {
        source: database(&source, "own").await,
        destination: database(&destination, "own").await,
    };
    support::execute_batch(
        &own.source,
        "create schema auth; create table auth.users (id int)",
    )
    .await;
    let plan = howdah("plan", &own, &[]);
    assert!(
        said(&plan).contains("CREATE TABLE auth.users"),
        "{}",
        said(&plan)
    );

    support::execute_batch(&source.endpoint("postgres"), SERVICE).await;
    let pair = Pair {
        source: database(&source, "app").await,
        destination: database(&destination, "app").await,
    };
    support::execute_batch(&pair.source, PROVIDED).await;
    support::execute_batch(&pair.source, USERS).await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    for told in [
        "What belongs to Supabase itself is left out",
        "schema auth with all in it: it belongs to Supabase, and only its own programs use it",
        "event trigger pgrst_watch: it belongs to Supabase",
        "--include 'SCHEMA.*'",
    ] {
        assert!(said(&run).contains(told), "{told}\n{}", said(&run));
    }
    let made = support::query_text(&pair.destination, MADE).await;
    assert_eq!(made, "2 20 keys 0 policies 0 auth 0 triggers");

    // Named, it comes along, with all that needs it.
    let named = Pair {
        source: pair.source.clone(),
        destination: database(&destination, "named").await,
    };
    let include = ["--include", "*.*", "--include", "auth.*"];
    let run = howdah(
        "run",
        &named,
        &[&["--yes", "--create-roles"][..], &include].concat(),
    );
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let made = support::query_text(&named.destination, MADE).await;
    assert_eq!(made, "2 20 keys 1 policies 1 auth 1 triggers");
    let users =
        "select string_agg(id || kind::text || auth.uid(), ',' order by id) from auth.users";
    assert_eq!(
        support::query_text(&named.destination, users).await,
        "1a1,2b1"
    );
}

#[tokio::test]
async fn what_the_service_makes_on_the_destination_too_is_used_there() {
    let (source, destination) = (support::cluster(), support::cluster());
    for server in [&source, &destination] {
        support::execute_batch(&server.endpoint("postgres"), SERVICE).await;
        support::create_database(&server.endpoint("postgres"), "app").await;
        support::execute_batch(&server.endpoint("app"), PROVIDED).await;
    }
    let pair = Pair {
        source: source.endpoint("app"),
        destination: destination.endpoint("app"),
    };
    support::execute_batch(&pair.source, USERS).await;
    let run = howdah("run", &pair, &["--yes"]);
    // What is there before is neither in the way nor a difference.
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let told = "it belongs to Supabase, which has its own on the destination";
    assert!(said(&run).contains(told), "{}", said(&run));
    let made = support::query_text(&pair.destination, MADE).await;
    assert_eq!(made, "2 20 keys 1 policies 1 auth 1 triggers pgrst_watch");
}
