// Evaluates PromQL with Prometheus' own engine over samples from standard input; a JSON line for each query.
//
// In: {"series": [{"labels": {…}, "points": [[seconds, value], …]}, …], "queries": [{"query": "…", "at": seconds}, …]}.
// Out: {"result": [[{…}, value], …], "error": ""}. Values that are no finite number are null.
package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

type asked struct {
	Series []struct {
		Labels map[string]string `json:"labels"`
		Points [][2]float64      `json:"points"`
	} `json:"series"`
	Queries []struct {
		Query string  `json:"query"`
		At    float64 `json:"at"`
	} `json:"queries"`
}

type told struct {
	Result [][2]any `json:"result"`
	Error  string   `json:"error"`
}

func main() {
	if err := run(context.Background()); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var in asked
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "promql")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	db, err := stored(ctx, folder, in)
	if err != nil {
		return err
	}
	defer db.Close()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
	})
	out := json.NewEncoder(os.Stdout)
	for _, one := range in.Queries {
		if err := out.Encode(answer(ctx, engine, db, one.Query, one.At)); err != nil {
			return err
		}
	}
	return nil
}

func stored(ctx context.Context, folder string, in asked) (*tsdb.DB, error) {
	options := tsdb.DefaultOptions()
	options.OutOfOrderTimeWindow = 1 << 40 // one series after the other
	db, err := tsdb.Open(folder, nil, nil, options, nil)
	if err != nil {
		return nil, err
	}
	appender := db.Appender(ctx)
	for _, series := range in.Series {
		var ref storage.SeriesRef
		named := labels.FromMap(series.Labels)
		for _, point := range series.Points {
			if ref, err = appender.Append(ref, named, int64(point[0]*1000), point[1]); err != nil {
				return nil, err
			}
		}
	}
	return db, appender.Commit()
}

func answer(ctx context.Context, engine *promql.Engine, db *tsdb.DB, query string, at float64) told {
	asked, err := engine.NewInstantQuery(ctx, db, nil, query, time.UnixMilli(int64(at*1000)))
	if err != nil {
		return told{Error: err.Error()}
	}
	defer asked.Close()
	vector, err := asked.Exec(ctx).Vector()
	if err != nil {
		return told{Error: err.Error()}
	}
	out := told{Result: [][2]any{}}
	for _, sample := range vector {
		var value any = sample.F
		if math.IsNaN(sample.F) || math.IsInf(sample.F, 0) {
			value = nil
		}
		out.Result = append(out.Result, [2]any{sample.Metric.Map(), value})
	}
	return out
}
