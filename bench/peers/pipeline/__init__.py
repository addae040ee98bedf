"""The pipeline that a Python team would write: aiokafka, orjson, OpenSSL or libsodium, a database."""
