"""The verbs of the river, called by Airflow's tasks and by the command line alike: run, load, settle, transform, remap, reconcile."""
