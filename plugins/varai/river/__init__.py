"""The verbs of the river, called by Airflow's tasks and by the command line: run, load, settle, transform, remap, reconcile, prove."""
