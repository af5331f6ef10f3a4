"""The language on the wire: records to bytes and back, in JSON or Avro.

Three forms travel, and a reader tells them apart by their first bytes, whatever it writes itself, so a format can be
switched while records of the other one are still in the topics:

====================  ==================  ==============================================================
header `kfix-format`  first bytes         form
====================  ==================  ==============================================================
``json``              ``{``               the model as JSON; bytes in base64, times in ISO 8601
``avro``              ``C3 01``           Avro's single-object encoding: marker, CRC-64 of the writer's
                                          schema (little endian), datum; no registry needed
``avro-confluent``    ``00``              Confluent's frame: zero, schema id (big endian), datum
====================  ==================  ==============================================================

The header is optional (tools that copy values drop headers); when it is there and says another form than the bytes
do, the record is refused. Numbers: integers of free JSON keep every digit. NaN and the infinities (``1e400`` reads as
one) are not JSON: free JSON and gaps of series carry ``null`` in their place, any other number refuses them where the
model is made. Avro's integers have 64 bits; a larger one is refused on encoding, as is text with half a surrogate pair.
"""

from kfix.engine.wire.codec import AVRO, CONFLUENT, FORMAT_HEADER, JSON, Codec, codec_for

__all__ = ["AVRO", "CONFLUENT", "FORMAT_HEADER", "JSON", "Codec", "codec_for"]
