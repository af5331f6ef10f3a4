"""Would this declaration make the symptom? A plan is asked that before anybody is shown it.

``counterfactual`` (the objects as a plan leaves them), ``standing`` (yes, no or unknown, with the reason), ``asking`` (what
the families' questions share), ``access`` (what no plan may open or loosen),
``failed`` (what may not come back), ``proving`` (the verdict on a plan), ``behind`` (what is still wrong after it).
"""
