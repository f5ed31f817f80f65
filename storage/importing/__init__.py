"""People's files of prices: from whatever they hold to bars at the right instant, with a report.

reading.read(path, options) -> Reading      no database, nothing written
storing.store(bind, reading) -> Stored      one transaction
"""
