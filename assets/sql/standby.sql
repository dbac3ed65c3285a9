-- How a standby treats reading that stands in the way of replay. Serves 10 and newer.
select pg_catalog.current_setting('hot_standby_feedback')::boolean,
       pg_catalog.current_setting('max_standby_streaming_delay')
