package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"time"

	"github.com/hamba/avro/v2"
)

const frameBytes = 5

type price struct {
	Amount   float64 `avro:"amount"`
	Currency string  `avro:"currency"`
}

type booking struct {
	BookingID  string    `avro:"bookingId"`
	CustomerID string    `avro:"customerId"`
	ActivityID string    `avro:"activityId"`
	BookedAt   time.Time `avro:"bookedAt"`
	StartsAt   time.Time `avro:"startsAt"`
	Quantity   int       `avro:"quantity"`
	Price      price     `avro:"price"`
	PromoCode  *string   `avro:"promoCode"`
	Tags       []string  `avro:"tags"`
}

type customer struct {
	CustomerID     string `avro:"customerId"`
	Email          string `avro:"email"`
	FirstName      string `avro:"firstName"`
	Locale         string `avro:"locale"`
	MarketingOptIn bool   `avro:"marketingOptIn"`
}

type activity struct {
	ActivityID string  `avro:"activityId"`
	Title      string  `avro:"title"`
	City       string  `avro:"city"`
	Country    string  `avro:"country"`
	Lat        float64 `avro:"lat"`
	Lon        float64 `avro:"lon"`
	Category   string  `avro:"category"`
}

type properties struct {
	BookingID string    `avro:"bookingId"`
	Title     string    `avro:"title"`
	City      string    `avro:"city"`
	Country   string    `avro:"country"`
	StartsAt  time.Time `avro:"startsAt"`
	Quantity  int       `avro:"quantity"`
	Amount    float64   `avro:"amount"`
	Currency  string    `avro:"currency"`
	Locale    string    `avro:"locale"`
}

type marketingEvent struct {
	Name       string     `avro:"name"`
	ExternalID string     `avro:"externalId"`
	Time       time.Time  `avro:"time"`
	Properties properties `avro:"properties"`
}

// reader decodes framed Avro, resolving what was written to the job's own schema.
type reader struct {
	place   place
	schema  avro.Schema
	schemas map[int]avro.Schema
}

func newReader(p place, name string) *reader {
	return &reader{place: p, schema: schemaOf(name), schemas: map[int]avro.Schema{}}
}

func (r *reader) read(data []byte, into any) {
	id := int(binary.BigEndian.Uint32(data[1:]))
	schema, known := r.schemas[id]
	if !known {
		written, err := avro.ParseWithCache(r.place.schemaByID(id), "", &avro.SchemaCache{})
		check(err)
		schema, err = avro.NewSchemaCompatibility().Resolve(r.schema, written)
		check(err)
		r.schemas[id] = schema
	}
	check(avro.Unmarshal(schema, data[frameBytes:], into))
}

// writer encodes framed Avro.
type writer struct {
	schema avro.Schema
	frame  [frameBytes]byte
}

func newWriter(name string, id int) *writer {
	w := &writer{schema: schemaOf(name)}
	binary.BigEndian.PutUint32(w.frame[1:], uint32(id))
	return w
}

func (w *writer) write(value any) []byte {
	encoded, err := avro.Marshal(w.schema, value)
	check(err)
	framed := make([]byte, 0, frameBytes+len(encoded))
	return append(append(framed, w.frame[:]...), encoded...)
}

func schemaOf(name string) avro.Schema {
	contents, err := os.ReadFile(filepath.Join(text("BENCH_SCHEMAS"), name+".avsc"))
	check(err)
	// A cache of its own: what a topic was written with may have the same names.
	schema, err := avro.ParseBytesWithCache(contents, "", &avro.SchemaCache{})
	check(err)
	return schema
}
