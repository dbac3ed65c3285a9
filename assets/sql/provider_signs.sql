-- What tells who runs a server: its roles, the prefixes of its settings, schemas. Serves 10 and newer.
select 'role', rolname::text
  from pg_catalog.pg_roles
 where rolname in ('rdsadmin', 'rds_superuser', 'cloudsqladmin', 'cloudsqlsuperuser', 'alloydbadmin', 'alloydbsuperuser',
                   'azuresu', 'azure_pg_admin', 'supabase_admin', 'neon_superuser', 'tsdbadmin', 'tsdbowner')
 union
select 'setting', pg_catalog.split_part(name, '.', 1)
  from pg_catalog.pg_settings
 where pg_catalog.strpos(name, '.') > 0
 union
select 'setting', name
  from pg_catalog.pg_settings
 where name like 'aurora\_%' or name like 'apg\_%'
 union
select 'schema', nspname::text
  from pg_catalog.pg_namespace
 where nspname in ('_heroku', 'heroku_ext')
