"""The judge judged: how often the statistics and the verdict are wrong where the truth is known.

``python -m research.calibration --samples 400`` prints three tables, every rate with its Monte-Carlo error:

- *families*: ten strategies in every world of :mod:`research.synthetic`, put through the statistics and the rules of a
  study: how often a family without any effect gets a false ``supported`` or ``contradicted``, at most 5 % by design;
- *power*: how often a planted effect is found, by its size, and which step of the verdict loses it;
- *sizes*: every p-value and every interval of :mod:`research.diagnostics`, where its null is true or the truth known.
"""
