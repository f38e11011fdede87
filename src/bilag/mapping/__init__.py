"""Pure: a record and a mapping version give a voucher, or the list of what is missing."""
