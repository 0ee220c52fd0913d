"""The facts: YAML only, one folder per thing. Behaviour is in genuka_pipelines/, rhythm in schedules/."""
