//! The schema as `pg_dump` wrote it, one entry per object.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::name::ObjectName;
use super::text::Text;

/// The printed entries of one `pg_dump -Fc --schema-only` archive, in restore order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// `pg_dump --version`, e.g. `15.18`.
    pub client_version: String,
    /// Where that pg_dump is.
    pub client_directory: PathBuf,
    /// Of everything the archive says, to notice a schema that has changed since.
    pub digest: u64,
    pub entries: Vec<Entry>,
}

impl Archive {
    /// The major version of that pg_dump; 0 when it says something else.
    pub fn client_major(&self) -> u32 {
        let digits = self.client_version.split(|c: char| !c.is_ascii_digit());
        digits
            .into_iter()
            .next()
            .and_then(|d| d.parse().ok())
            .unwrap_or(0)
    }

    /// Each object with a digest of how it is defined: `TABLE public.film`. Namesakes (functions of other arguments) go together.
    pub fn definitions(&self) -> BTreeMap<String, u64> {
        let mut definitions = BTreeMap::new();
        for entry in &self.entries {
            let object = if entry.name.schema.is_empty() {
                format!("{} {}", entry.kind, entry.name.name)
            } else {
                format!("{} {}", entry.kind, entry.name.written())
            };
            let digest = definitions.entry(object).or_insert(0xcbf2_9ce4_8422_2325);
            let owner = entry.owner_sql.as_deref().unwrap_or_default();
            *digest = fnv(fnv(*digest, &entry.sql), owner);
        }
        definitions
    }
}

/// FNV-1a: small, and the same in every build, so that a digest may be kept in a file.
fn fnv(digest: u64, text: &str) -> u64 {
    let bytes = text.bytes().chain([0]);
    bytes.fold(digest, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// One object of the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// pg_dump's dump id.
    pub id: u32,
    /// OID of the system catalog that holds the object, as [`PG_CLASS`]; 0 when it has none.
    pub class_oid: u32,
    pub oid: u32,
    /// `TABLE`, `FK CONSTRAINT`, `MATERIALIZED VIEW` … as in the archive's list.
    pub kind: Text,
    /// Empty for objects that live in no schema.
    pub name: ObjectName,
    pub owner: Text,
    /// Dump ids.
    pub depends_on: Box<[u32]>,
    pub section: Section,
    /// The definition without its owner statement, with the settings that govern it in front.
    pub sql: Text,
    /// `ALTER … OWNER TO …;` if the object has one.
    pub owner_sql: Option<Text>,
}

/// OID of `pg_class`: entries of this class are relations.
pub const PG_CLASS: u32 = 1259;

impl Entry {
    /// An ordinary, partitioned or foreign table.
    pub fn is_table(&self) -> bool {
        self.class_oid == PG_CLASS && self.kind.ends_with("TABLE")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// Before the rows.
    #[default]
    PreData,
    /// Indexes, constraints, triggers, rules, policies …: after the rows.
    PostData,
}
