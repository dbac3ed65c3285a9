//! What came into PostgreSQL with which major version, as far as it matters here. One table: nothing else in howdah knows which
//! server can do what.

/// `Name = first major version that has it, "in words"`.
macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $since:literal, $words:literal;)*) => {
        /// Something that servers have from some major version on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$doc])* $name,)*
        }

        impl Feature {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The first major version that has it.
            pub fn since(self) -> u32 {
                match self { $(Self::$name => $since,)* }
            }

            /// For people, in the plural.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

features! {
    IdentityColumns = 10, "identity columns";
    Procedures = 11, "procedures";
    /// Keys of a partitioned table, and the copies of them that its partitions have.
    PartitionedKeys = 11, "keys and indexes of partitioned tables";
    HashPartitions = 11, "hash partitions and default partitions";
    /// `INCLUDE`.
    CoveringIndexes = 11, "indexes with INCLUDE";
    ParallelIndexBuilds = 11, "parallel index builds";
    HashOfText = 11, "hashtextextended";
    /// A trigger is shown with `EXECUTE FUNCTION`, where older servers say `EXECUTE PROCEDURE`.
    TriggersExecuteFunctions = 12, "triggers that execute functions";
    GeneratedColumns = 12, "stored generated columns";
    /// A float is written with as few digits as read back to the same value.
    ShortestFloats = 12, "shortest floats";
    TableAccessMethods = 12, "table access methods";
    IndexProgress = 12, "pg_stat_progress_create_index";
    NondeterministicCollations = 12, "nondeterministic collations";
    /// `DROP DATABASE … WITH (FORCE)`.
    DropDatabaseForce = 13, "DROP DATABASE with FORCE";
    Multiranges = 14, "multiranges";
    ColumnCompression = 14, "compression methods of columns";
    /// Procedures may have OUT arguments, so the others are shown with IN.
    OutArguments = 14, "procedures with OUT arguments";
    SqlBodies = 14, "functions with SQL-standard bodies";
    HashOfRecords = 14, "hash_record_extended";
    /// A condition on `ctid` reads only the pages it names.
    TidRangeScans = 14, "scans of page ranges";
    IdleSessionTimeout = 14, "idle_session_timeout";
    /// `truncatable` of foreign tables and their servers.
    ForeignTruncate = 14, "TRUNCATE of foreign tables";
    /// A database may sort by ICU.
    DatabaseLocales = 15, "databases that sort by ICU";
    NullsNotDistinct = 15, "NULLS NOT DISTINCT";
    SecurityInvokerViews = 15, "views with security_invoker";
    /// A sequence of an unlogged table is unlogged, and `ALTER SEQUENCE … SET LOGGED` exists.
    UnloggedSequences = 15, "unlogged sequences";
    FilteredPublications = 15, "publications with conditions, columns or schemas";
    /// Only the database's owner may create in schema public, unless it says otherwise.
    ClosedPublicSchema = 15, "a schema public closed to all";
    ParameterPrivileges = 15, "privileges on settings";
    /// A byte of type "char" above 127 is written as an escape, no more as a byte that is no text.
    EscapedCharBytes = 15, "escaped bytes of type \"char\"";
    /// A view of one table is written without the table's name before each column.
    UnqualifiedViewColumns = 16, "views with bare column names";
    CollationRules = 16, "ICU collations with rules";
    MembershipOptions = 16, "memberships with INHERIT and SET";
    MaintainPrivilege = 17, "the privilege MAINTAIN";
    TransactionTimeout = 17, "transaction_timeout";
    /// Columns of `pg_stats` about ranges.
    RangeStatistics = 17, "statistics of ranges that can be read";
    BuiltinLocales = 17, "the builtin locale provider";
    VirtualColumns = 18, "virtual generated columns";
    /// A NOT NULL has a name and may be NOT VALID or NO INHERIT.
    NotNullConstraints = 18, "named NOT NULL constraints";
    TemporalKeys = 18, "keys WITHOUT OVERLAPS";
    UnenforcedConstraints = 18, "constraints that are not enforced";
    NotValidOnPartitioned = 18, "NOT VALID foreign keys of partitioned tables";
    /// `pg_restore_relation_stats` and its like, `relallfrozen`, and `ANALYZE ONLY`.
    StatisticsImport = 18, "statistics that can be copied";
}

impl Feature {
    /// Whether a server of this `server_version_num` has it.
    pub fn is_in(self, version_num: u32) -> bool {
        version_num / 10_000 >= self.since()
    }

    /// The older of two servers lacks it and the newer has it.
    pub fn is_between(self, one: u32, other: u32) -> bool {
        self.is_in(one) != self.is_in(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_in_its_version_and_not_in_the_one_before() {
        for feature in Feature::ALL {
            let since = feature.since();
            assert!(feature.is_in(since * 10_000), "{feature:?}");
            assert!(!feature.is_in(since * 10_000 - 1), "{feature:?}");
            assert!(feature.is_between(since * 10_000, (since - 1) * 10_000));
        }
    }
}
