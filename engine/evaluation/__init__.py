"""Measuring the engine: how well it finds, how fast, how close to the exact result, on anyone's data.

layouts     folder, BEIR, hub (ViDoRe, JinaVDR), pairs -> dataset.Dataset        layouts, folder, rows, tables
measuring   index the corpus, ask every query, time the stages, compare with exact search      indexing, run
figures     trec_eval's measures, confidence intervals, paired test               metrics, statistics
reports     text, JSON, CSV, plot; sweeps over settings                           report, sweep, plot
others      TREC files in and out; mteb runs our engine and our encoders          trec, mteb
"""
