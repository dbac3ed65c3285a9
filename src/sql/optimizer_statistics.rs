//! What a server knows of the values in a table, taken to another server (`pg_restore_relation_stats` and its like, 18 and newer)
//! in place of gathering it there. The same that `pg_dump --statistics` carries, table by table.

use crate::model::feature::Feature;
use crate::model::name::ObjectName;

use super::quote::{ident, literal, qualified};

/// Where they land, of a session's own and empty again after each transaction.
pub const STAGE: &str = "CREATE TEMPORARY TABLE IF NOT EXISTS howdah_statistics (
    relation text, of_column text, at_column smallint, inherited boolean,
    relpages integer, reltuples real, relallvisible integer, relallfrozen integer,
    null_frac real, avg_width integer, n_distinct real,
    most_common_vals text, most_common_freqs real[], histogram_bounds text, correlation real,
    most_common_elems text, most_common_elem_freqs real[], elem_count_histogram real[],
    range_length_histogram text, range_empty_frac real, range_bounds_histogram text
) ON COMMIT DELETE ROWS";

pub const COPY_IN: &str = "COPY pg_temp.howdah_statistics FROM STDIN (FORMAT text)";

/// Of a table and of its indexes: a row for the relation, and one per column. Columns of an index have numbers and no names
/// that both sides must share.
pub fn copy_out(table: &ObjectName, version_num: u32) -> String {
    let name = literal(&qualified(table));
    let all_frozen = if Feature::StatisticsImport.is_in(version_num) {
        "c.relallfrozen"
    } else {
        "NULL::integer"
    };
    let of_ranges = if Feature::RangeStatistics.is_in(version_num) {
        "s.range_length_histogram::text, s.range_empty_frac, s.range_bounds_histogram::text"
    } else {
        "NULL, NULL, NULL"
    };
    format!(
        "COPY (
    WITH relation AS (
        SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpages, c.reltuples, c.relallvisible, {all_frozen} AS relallfrozen
          FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.oid = {name}::pg_catalog.regclass
            OR c.oid IN (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = {name}::pg_catalog.regclass AND indisvalid)
    )
    SELECT c.relname, NULL, NULL::smallint, NULL::boolean, c.relpages, c.reltuples, c.relallvisible, c.relallfrozen,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM relation AS c
    UNION ALL
    SELECT c.relname, CASE WHEN c.relkind IN ('r', 'p') THEN s.attname END, CASE WHEN c.relkind = 'i' THEN a.attnum END,
           s.inherited, NULL, NULL, NULL, NULL,
           s.null_frac, s.avg_width, s.n_distinct,
           s.most_common_vals::text, s.most_common_freqs, s.histogram_bounds::text, s.correlation,
           s.most_common_elems::text, s.most_common_elem_freqs, s.elem_count_histogram,
           {of_ranges}
      FROM relation AS c
      JOIN pg_catalog.pg_stats AS s ON s.schemaname = c.nspname AND s.tablename = c.relname
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
) TO STDOUT (FORMAT text)"
    )
}

/// Takes in what has landed; an index that the table does not have here is passed over.
pub fn restore(table: &ObjectName, version_num: u32) -> [String; 2] {
    let schema = literal(&table.schema);
    let namespace = literal(&ident(&table.schema));
    let from = format!(
        "FROM pg_temp.howdah_statistics AS s
  JOIN pg_catalog.pg_class AS c ON c.relname = s.relation AND c.relnamespace = {namespace}::pg_catalog.regnamespace"
    );
    let which =
        format!("'schemaname', {schema}::text, 'relname', s.relation, 'version', {version_num}");
    [
        format!(
            "SELECT pg_catalog.pg_restore_relation_stats({which},
    'relpages', s.relpages, 'reltuples', s.reltuples, 'relallvisible', s.relallvisible, 'relallfrozen', s.relallfrozen)
  {from} WHERE s.inherited IS NULL"
        ),
        format!(
            "SELECT pg_catalog.pg_restore_attribute_stats({which},
    'attname', s.of_column, 'attnum', s.at_column, 'inherited', s.inherited,
    'null_frac', s.null_frac, 'avg_width', s.avg_width, 'n_distinct', s.n_distinct,
    'most_common_vals', s.most_common_vals, 'most_common_freqs', s.most_common_freqs,
    'histogram_bounds', s.histogram_bounds, 'correlation', s.correlation,
    'most_common_elems', s.most_common_elems, 'most_common_elem_freqs', s.most_common_elem_freqs,
    'elem_count_histogram', s.elem_count_histogram,
    'range_length_histogram', s.range_length_histogram, 'range_empty_frac', s.range_empty_frac,
    'range_bounds_histogram', s.range_bounds_histogram)
  {from} WHERE s.inherited IS NOT NULL"
        ),
    ]
}

pub fn analyze(table: &ObjectName) -> String {
    format!("ANALYZE {}", qualified(table))
}

/// Without its partitions' own, which are carried (18 and newer).
pub fn analyze_only(table: &ObjectName) -> String {
    format!("ANALYZE ONLY {}", qualified(table))
}
