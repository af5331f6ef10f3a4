"""`kfix demo`: the sandbox and all stages as child processes, one story told over their public doors.

Nothing here looks into a stage: alerts go in through Datadog's and Alertmanager's webhooks, progress comes from the console's JSON and
from the sandbox's state, and the merge is a reviewer's.
"""
