//! Who competes: each one a shell script, so that everybody can see and repeat what was measured.

use std::process::{Command, Stdio};

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) script: &'static str,
    /// The same peer with other job counts; the fastest of a family stands for it in the ratios.
    pub(crate) family: &'static str,
}

/// How someone would do it with `psql` alone: schema with its indexes first, then table by table through `postgres_fdw`
/// as it comes. Triggers and foreign keys are silenced, as its manuals advise.
const BY_HAND: &str = r#"
pg_dump --schema-only -d "$SRC" | psql -Xq -v ON_ERROR_STOP=1 -d "$DST" >/dev/null
psql -Xq -v ON_ERROR_STOP=1 -v port="$SRC_PORT" -v password="$SRC_PASSWORD" -d "$DST" >/dev/null <<'SQL'
CREATE EXTENSION postgres_fdw;
CREATE SERVER original FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port :'port', dbname 'bench');
CREATE USER MAPPING FOR CURRENT_USER SERVER original OPTIONS (user 'postgres', password :'password');
SELECT format('CREATE SCHEMA %I', 'from_' || nspname),
       format('IMPORT FOREIGN SCHEMA %I FROM SERVER original INTO %I', nspname, 'from_' || nspname)
FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' \gexec
SET session_replication_role = replica;
SELECT format('INSERT INTO %I.%I (%3$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM %4$I.%2$I',
              n.nspname, c.relname,
              (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
               WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''),
              'from_' || n.nspname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname !~ '^(pg_|from_)' AND n.nspname <> 'information_schema' \gexec
SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace WHERE nspname ~ '^from_' \gexec
DROP EXTENSION postgres_fdw CASCADE;
SQL
psql -XAtq -d "$SRC" -c "SELECT format('SELECT setval(%L, %s);', format('%I.%I', schemaname, sequencename), last_value)
  FROM pg_sequences WHERE last_value IS NOT NULL" | psql -Xq -v ON_ERROR_STOP=1 -d "$DST" >/dev/null
"#;

macro_rules! pgcopydb {
    ($jobs:literal) => {
        concat!(
            r#"exec pgcopydb clone --source "$SRC" --target "$DST" --dir "$WORK/pgcopydb" --table-jobs "#,
            $jobs,
            " --index-jobs ",
            $jobs
        )
    };
}

macro_rules! directory {
    ($jobs:literal) => {
        concat!(
            r#"pg_dump -Fd -Z0 -j"#,
            $jobs,
            r#" -d "$SRC" -f "$WORK/dump"; pg_restore -j"#,
            $jobs,
            r#" -d "$DST" "$WORK/dump""#
        )
    };
}

/// Every contender whose programs are installed, howdah first.
pub(crate) fn all() -> Vec<Contender> {
    let contender = |name, family, script| Contender {
        name,
        script,
        family,
    };
    let mut all = vec![
        contender(
            "howdah COPY",
            "howdah COPY",
            r#"exec "$HOWDAH" run --source "$SRC" --destination "$DST" --yes --method copy"#,
        ),
        contender(
            "howdah COPY, checksums",
            "howdah COPY, checksums",
            r#"exec "$HOWDAH" run --source "$SRC" --destination "$DST" --yes --method copy --verify checksums"#,
        ),
        contender(
            "howdah FDW",
            "howdah FDW",
            r#"exec "$HOWDAH" run --source "$SRC" --destination "$DST" --yes --method fdw"#,
        ),
        contender(
            "pg_dump -Fc | pg_restore",
            "pg_dump -Fc | pg_restore",
            r#"pg_dump -Fc -Z0 -d "$SRC" | pg_restore -d "$DST""#,
        ),
        contender(
            "pg_dump -Fd -j2, pg_restore -j2",
            "pg_dump -Fd",
            directory!("2"),
        ),
        contender(
            "pg_dump -Fd -j4, pg_restore -j4",
            "pg_dump -Fd",
            directory!("4"),
        ),
    ];
    if is_installed("pgcopydb") {
        all.push(contender(
            "pgcopydb, 2 + 2 jobs",
            "pgcopydb",
            pgcopydb!("2"),
        ));
        all.push(contender(
            "pgcopydb, 4 + 4 jobs",
            "pgcopydb",
            pgcopydb!("4"),
        ));
    } else {
        eprintln!("pgcopydb is not installed and does not take part");
    }
    all.push(contender("by hand, postgres_fdw", "by hand", BY_HAND));
    all
}

pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
