package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

// place is where the program finds things: the harness sets the same variables for every contestant.
type place struct {
	broker, registryURL                     string
	bookings, customers, activities, output string
	group, steps                            string
	eventSchemaID                           int
}

func placeFromEnvironment() place {
	id, err := strconv.Atoi(text("BENCH_EVENT_SCHEMA_ID"))
	check(err)
	return place{
		broker:        text("BENCH_BROKER"),
		registryURL:   text("BENCH_REGISTRY"),
		bookings:      text("BENCH_BOOKINGS"),
		customers:     text("BENCH_CUSTOMERS"),
		activities:    text("BENCH_ACTIVITIES"),
		output:        text("BENCH_OUTPUT"),
		group:         text("BENCH_GROUP"),
		steps:         text("BENCH_STEPS"),
		eventSchemaID: id,
	}
}

func text(name string) string {
	value, ok := os.LookupEnv(name)
	if !ok {
		panic(name + " is not set; the harness sets it")
	}
	return value
}

// schemaByID asks the registry.
func (p place) schemaByID(id int) string {
	response, err := http.Get(fmt.Sprintf("%s/schemas/ids/%d", p.registryURL, id))
	check(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		panic(fmt.Sprintf("schema %d: %s", id, response.Status))
	}
	var answer struct {
		Schema string `json:"schema"`
	}
	check(json.NewDecoder(response.Body).Decode(&answer))
	return answer.Schema
}

func tellTablesLoading() {
	fmt.Printf("bench tables-loading %d\n", time.Now().UnixMilli())
}

func tellTableLoaded(rows int) {
	fmt.Printf("bench table-loaded %d %d\n", time.Now().UnixMilli(), rows)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
