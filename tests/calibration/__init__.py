"""The judge judged: how often the statistics and the verdict are wrong where the truth is known.

``python -m tests.calibration`` prints, every rate with its Monte-Carlo error:

- *words*: families of ten claims in every world of ``tests.calibration.worlds``, through costs and the whole rule, by
  ``research.study.judge.judge`` itself: without an effect, with one that is worth having, with one of the size that
  the judge says it would find;
- *real*: signals that know nothing on real prices, by the statistic alone beside other errors, and to the word;
- *sizes*: every p-value and interval of ``research.diagnostics``, where its null is true or the truth known.
"""
