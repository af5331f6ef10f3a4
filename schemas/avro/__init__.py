"""The topics' Avro schemas, generated from the models by ``kfix schemas generate``. Data only."""
