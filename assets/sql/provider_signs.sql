-- What tells who runs a server: its roles and who of them is a superuser, the prefixes of its settings, schemas. Serves 10 and
-- newer.
select 'role', rolname::text
  from pg_catalog.pg_roles
 where rolname in ('rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin', 'authenticator',
                   'neon_superuser', 'tsdbadmin', 'tsdbowner', 'avnadmin', '_aiven')
 union
select 'superuser', rolname::text
  from pg_catalog.pg_roles
 where rolsuper
   and rolname in ('rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'azuresu', 'supabase_admin', 'cloud_admin')
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
