"""The admin portal: pages for people, one folder for each group of them.

A page calls the verbs of the rooms below; it holds no SQL and knows no connector.
"""
