//! Statements about large objects. What PostgreSQL takes no parameters for is written out for each; the plan shows it with
//! `$1` for the object's number.

use crate::model::catalog::Privilege;
use crate::model::options::{Keep, Options};

use super::grants::grants;
use super::quote::{ident, literal};

/// Numbers, owners, comments and privileges, in the run's snapshot. Privileges stand in the order in which they were given,
/// so that a right to grant comes before what was granted by it.
pub const LIST: &str = "SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner)::text, \
     pg_catalog.obj_description(m.oid, 'pg_largeobject'), m.lomacl IS NOT NULL, \
     a.grantors, a.grantees, a.privileges, a.grantable \
     FROM pg_catalog.pg_largeobject_metadata AS m CROSS JOIN LATERAL ( \
     SELECT coalesce(pg_catalog.array_agg(pg_catalog.pg_get_userbyid(x.grantor)::text ORDER BY x.position), '{}') AS grantors, \
     pg_catalog.array_agg(CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text END ORDER BY x.position) AS grantees, \
     pg_catalog.array_agg(x.privilege ORDER BY x.position) AS privileges, \
     pg_catalog.array_agg(x.is_grantable ORDER BY x.position) AS grantable \
     FROM pg_catalog.aclexplode(m.lomacl) WITH ORDINALITY AS x (grantor, grantee, privilege, is_grantable, position)) AS a \
     ORDER BY m.oid";
/// Whether there are any, in the run's snapshot.
pub const HAS_SOME: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)";
/// `$1` object, `$2` offset, `$3` length.
pub const READ: &str = "SELECT pg_catalog.lo_get($1, $2, $3)";
/// Takes a large object of this number away, if there is one.
pub const UNLINK: &str = "SELECT pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata AS m WHERE m.oid = $1";
/// As many as one transaction handles: each that is removed, given away or commented on holds a lock until the end, and the
/// server has room for so many only (manual, `max_locks_per_transaction`).
pub const BATCH: usize = 500;
/// Those of an earlier run, where all there are come from it: so many at a time.
pub const UNLINK_ALL: &str = "SELECT pg_catalog.count(pg_catalog.lo_unlink(m.oid)) FROM (\
     SELECT oid FROM pg_catalog.pg_largeobject_metadata LIMIT 500) AS m";
pub const CREATE: &str = "SELECT pg_catalog.lo_create($1)";
/// `$1` object, `$2` offset, `$3` bytes.
pub const WRITE: &str = "SELECT pg_catalog.lo_put($1, $2, $3)";

/// Whom a large object made here belongs to, and whether some may be there that this run, or one it goes on with, has brought.
pub const BEGIN: &str = "SELECT current_user::pg_catalog.text, EXISTS (SELECT FROM howdah.step WHERE key = 'data/large objects')";
/// Some are there to stay, not all: a later start finds that they came from here.
pub const BEGUN: &str = "INSERT INTO howdah.step (key, way) VALUES ('data/large objects', 'begun') ON CONFLICT DO NOTHING";
/// For the plan: what follows [`BEGUN`].
pub const NEXT_TRANSACTION: &str = "-- after each 500 of them\nCOMMIT;\nBEGIN";

/// What the source says of one large object besides its contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub oid: u32,
    pub owner: String,
    pub comment: Option<String>,
    /// None: nobody ever granted or revoked anything.
    pub privileges: Option<Vec<Privilege>>,
}

/// Owner, comment and privileges, as far as the options keep them; it belongs to `maker`.
pub fn describe(about: &About, maker: &str, options: &Options) -> Vec<String> {
    let object = format!("LARGE OBJECT {}", about.oid);
    let mut statements = Vec::new();
    let owner = options.role_map.map_role(&about.owner);
    if options.owners == Keep::Keep && owner != maker {
        statements.push(format!("ALTER {object} OWNER TO {}", ident(owner)));
    }
    if let Some(comment) = &about.comment {
        statements.push(format!("COMMENT ON {object} IS {}", literal(comment)));
    }
    let privileges = about.privileges.as_ref();
    if let Some(privileges) = privileges.filter(|_| options.privileges == Keep::Keep) {
        statements.extend(grants(&object, &about.owner, privileges, options));
    }
    statements
}

/// [`describe`] for the plan, with `$1` for each object's number.
pub fn description_in_plan(options: &Options) -> Vec<&'static str> {
    let mut statements = Vec::new();
    if options.owners == Keep::Keep {
        statements
            .push("-- when it is another than who has made it\nALTER LARGE OBJECT $1 OWNER TO $2");
    }
    statements.push("COMMENT ON LARGE OBJECT $1 IS $2");
    if options.privileges == Keep::Keep {
        if options.owners == Keep::Keep {
            statements.push("REVOKE ALL ON LARGE OBJECT $1 FROM $2");
        }
        statements.extend([
            "GRANT $2 ON LARGE OBJECT $1 TO $3",
            "-- when another than the owner granted it\nSET LOCAL ROLE $4",
            "GRANT $2 ON LARGE OBJECT $1 TO $3",
            "RESET ROLE",
        ]);
    }
    statements
}

/// For a script: a question to the source, whose answer is the statements of [`describe`] that grant.
pub fn grants_of_source(options: &Options) -> String {
    let (revoke, is_wanted, is_by_owner) = match options.owners {
        Keep::Keep => (
            "SELECT m.oid, 0 AS position, pg_catalog.format('REVOKE ALL ON LARGE OBJECT %s FROM %I;', m.oid, pg_catalog.pg_get_userbyid(m.lomowner)) AS line
    FROM pg_catalog.pg_largeobject_metadata AS m WHERE m.lomacl IS NOT NULL
    UNION ALL ",
            "true",
            "x.grantor = m.lomowner",
        ),
        // There is another owner, who has all rights and is who grants.
        Keep::Skip => ("", "x.grantee <> m.lomowner", "true"),
    };
    format!(
        "SELECT line FROM (
    {revoke}SELECT m.oid, x.position,
        CASE WHEN {is_by_owner} THEN '' ELSE pg_catalog.format('SET LOCAL ROLE %I; ', pg_catalog.pg_get_userbyid(x.grantor)) END
        || pg_catalog.format('GRANT %s ON LARGE OBJECT %s TO %s%s;', x.privilege, m.oid,
            CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
            CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        || CASE WHEN {is_by_owner} THEN '' ELSE ' RESET ROLE;' END
    FROM pg_catalog.pg_largeobject_metadata AS m
        CROSS JOIN LATERAL pg_catalog.aclexplode(m.lomacl) WITH ORDINALITY AS x (grantor, grantee, privilege, is_grantable, position)
    WHERE {is_wanted}
) AS lines ORDER BY oid, position;"
    )
}

/// A digest of the pieces' digests: no value can hold a large object as a whole. A piece that is not full is the last.
const CONTENTS: &str = "(WITH RECURSIVE piece (number, digest, bytes) AS (
            SELECT 0::pg_catalog.int8, pg_catalog.md5(x.piece), pg_catalog.length(x.piece)
            FROM (SELECT pg_catalog.lo_get(m.oid, 0, 1048576) AS piece) AS x
            UNION ALL SELECT p.number + 1, pg_catalog.md5(x.piece), pg_catalog.length(x.piece)
            FROM piece AS p CROSS JOIN LATERAL (SELECT pg_catalog.lo_get(m.oid, (p.number + 1) * 1048576, 1048576) AS piece) AS x
            WHERE p.bytes = 1048576
        ) SELECT pg_catalog.md5(pg_catalog.string_agg(digest, '' ORDER BY number)) FROM piece)";

/// Count and an order-independent sum over digests of contents, comment, and owner and privileges where the options keep
/// them. Privileges name their owner: they can be compared only where owners are kept too.
pub fn measure(options: &Options) -> String {
    let mut parts = vec![
        CONTENTS.to_owned(),
        "coalesce('comment ' || pg_catalog.obj_description(m.oid, 'pg_largeobject'), '')"
            .to_owned(),
    ];
    // Under other names they differ as they should.
    if options.owners == Keep::Keep && options.role_map.is_empty() {
        parts.push("'owner ' || pg_catalog.pg_get_userbyid(m.lomowner)".to_owned());
        if options.privileges == Keep::Keep {
            parts.push(
                "coalesce((SELECT pg_catalog.string_agg(x::text, ',' ORDER BY x::text COLLATE \"C\") \
                 FROM pg_catalog.unnest(coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) AS x), '')"
                    .to_owned(),
            );
        }
    }
    format!(
        "SELECT pg_catalog.count(*),\n    coalesce(pg_catalog.sum(('x' || pg_catalog.left(pg_catalog.md5(\n        {}\n    ), 15))::pg_catalog.bit(60)::pg_catalog.int8), 0)::pg_catalog.text\n    FROM pg_catalog.pg_largeobject_metadata AS m",
        parts.join("\n        || ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privilege(grantor: &str, grantee: Option<&str>, is_grantable: bool) -> Privilege {
        Privilege {
            grantor: grantor.to_owned(),
            grantee: grantee.map(str::to_owned),
            privilege: "SELECT".to_owned(),
            is_grantable,
        }
    }

    fn about() -> About {
        About {
            oid: 7,
            owner: "Ann".to_owned(),
            comment: None,
            privileges: Some(vec![
                privilege("Ann", Some("bob"), true),
                privilege("bob", None, false),
            ]),
        }
    }

    #[test]
    fn grants_are_given_by_whom_they_were_given() {
        let said = describe(&about(), "postgres", &Options::default());
        assert_eq!(
            said,
            [
                "ALTER LARGE OBJECT 7 OWNER TO \"Ann\"",
                "REVOKE ALL ON LARGE OBJECT 7 FROM \"Ann\"",
                "GRANT SELECT ON LARGE OBJECT 7 TO bob WITH GRANT OPTION",
                "SET LOCAL ROLE bob",
                "GRANT SELECT ON LARGE OBJECT 7 TO PUBLIC",
                "RESET ROLE",
            ]
        );
    }

    #[test]
    fn the_journal_has_them_under_one_key_and_a_batch_is_of_one_size() {
        let key = format!("'{}'", crate::model::plan::LARGE_OBJECTS_KEY);
        assert!(BEGIN.contains(&key) && BEGUN.contains(&key));
        assert!(UNLINK_ALL.contains(&format!("LIMIT {BATCH})")));
        assert!(NEXT_TRANSACTION.contains(&format!("each {BATCH} ")));
    }

    /// Each of them holds a lock until the transaction ends.
    #[test]
    fn only_who_is_not_the_maker_is_made_the_owner() {
        let said = describe(&about(), "Ann", &Options::default());
        assert!(said[0].starts_with("REVOKE"), "{said:?}");
    }

    #[test]
    fn what_the_options_leave_out_is_neither_made_nor_measured() {
        let options = Options {
            owners: Keep::Skip,
            privileges: Keep::Skip,
            ..Options::default()
        };
        assert_eq!(
            describe(&about(), "postgres", &options),
            Vec::<String>::new()
        );
        assert!(!measure(&options).contains("lomacl"));
        assert!(!measure(&options).contains("lomowner"));
    }
}
