"""The forms in which users and their questions come: LaMP's own files, lists of users, tables, data sets of the hub."""
