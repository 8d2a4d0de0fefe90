// The job as a loop over franz-go, with the tables in Go maps: no rebalancing of tables, no dead letters, no
// exactly-once. It stands for what a compiled language does without a stream library.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	fewestOfFiltered = 4
	commitInterval   = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	p := placeFromEnvironment()
	tellTablesLoading()
	customers := loadTable[customer](ctx, p, p.customers, "customer")
	activities := loadTable[activity](ctx, p, p.activities, "activity")
	tellTableLoaded(len(customers) + len(activities))
	run(ctx, p, customers, activities)
}

// loadTable reads a topic to where it ends now.
func loadTable[T any](ctx context.Context, p place, topic, schema string) map[string]*T {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(p.broker),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	check(err)
	defer client.Close()
	values := newReader(p, schema)
	rows := map[string]*T{}
	// One answer from a partition tells how far it reaches; the topics have no empty partition.
	left := map[int32]bool{}
	for partition := range partitionCount(ctx, client, topic) {
		left[int32(partition)] = true
	}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		check(ctx.Err())
		check(fetches.Err())
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			for _, record := range fetched.Records {
				row := new(T)
				values.read(record.Value, row)
				rows[string(record.Key)] = row
				if record.Offset+1 >= fetched.HighWatermark {
					delete(left, record.Partition)
				}
			}
		})
	}
	return rows
}

func run(ctx context.Context, p place, customers map[string]*customer, activities map[string]*activity) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(p.broker),
		kgo.ConsumerGroup(p.group),
		kgo.ConsumeTopics(p.bookings),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		// Bookings and events have the same partitions.
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.DefaultProduceTopic(p.output),
	)
	check(err)
	defer client.Close()
	bookings := newReader(p, "booking")
	events := newWriter("marketing-event", p.eventSchemaID)
	committedAt := time.Now()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			var b booking
			bookings.read(record.Value, &b)
			event, wanted := toEvent(p, &b, customers, activities)
			if !wanted {
				return
			}
			out := &kgo.Record{Key: record.Key, Value: events.write(event), Partition: record.Partition}
			client.Produce(ctx, out, func(_ *kgo.Record, err error) {
				if ctx.Err() == nil {
					check(err)
				}
			})
		})
		if time.Since(committedAt) >= commitInterval {
			// Everything polled so far has to be written before its offsets are.
			check(client.Flush(ctx))
			check(client.CommitUncommittedOffsets(ctx))
			committedAt = time.Now()
		}
	}
}

func toEvent(
	p place, b *booking, customers map[string]*customer, activities map[string]*activity,
) (*marketingEvent, bool) {
	if p.steps == "filtered" && b.Quantity < fewestOfFiltered {
		return nil, false
	}
	locale := "und"
	c, hasRow := customers[b.CustomerID]
	switch {
	case !hasRow && p.steps != "left-join":
		return nil, false
	case hasRow && !c.MarketingOptIn:
		return nil, false
	case hasRow:
		locale = c.Locale
	}
	a, found := activities[b.ActivityID]
	if !found {
		return nil, false
	}
	return &marketingEvent{
		Name:       "booking_completed",
		ExternalID: b.CustomerID,
		Time:       b.BookedAt,
		Properties: properties{
			BookingID: b.BookingID,
			Title:     a.Title,
			City:      a.City,
			Country:   a.Country,
			StartsAt:  b.StartsAt,
			Quantity:  b.Quantity,
			Amount:    b.Price.Amount,
			Currency:  b.Price.Currency,
			Locale:    locale,
		},
	}, true
}
