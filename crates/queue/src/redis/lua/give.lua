-- A lease was dropped. ARGV: id, version, whether its mail had begun.
return out(give(ARGV[3], ARGV[4], ME, ARGV[5] == '1'))
