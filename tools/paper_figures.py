"""The claims and figures of the self-compression paper beside runs of scnn.  tools/reproduce_paper draws and writes them."""
import functools
import math
import statistics

from paper_runs import FROZEN, METHODS, paper

# A loss of this many points of top-1 counts as accuracy kept.  The paper's own claim loses half as much: 95.69 against 95.45.
KEPT = 0.5
ASSUMED = 0.5   # assumed deviation of one seed's top-1 where no setting has several seeds
NOT_SAID = "not in the paper"
PAPER_FLOAT = 95.69   # top-1 of the paper's network with float weights


def seeds_deviation(points):
    """Standard deviation of top-1 between seeds, in points.  It is pooled over all settings, because three seeds are too few for
    an estimate of their own.  None where every setting has one seed."""
    freedom = sum(len(point.runs) - 1 for point in points)
    squares = sum((len(point.runs) - 1) * statistics.variance([run.top1 for run in point.runs]) for point in points if len(point.runs) > 1)
    return math.sqrt(squares / freedom) if freedom else None


def curve(points, deviation):
    """(bytes, top-1, standard error of top-1) of all points by size.  No point is left out, because a best point may be best by chance."""
    return sorted((point.mean("file_bytes"), point.mean("top1"), point.error_by(deviation)) for point in points)


def at_size(line, size):
    """A curve's top-1 at a size and its standard error, linear between points over log bytes.  Beyond the largest point it is
    that point's value, because a smaller file serves too.  Below the smallest point it is (None, None)."""
    for (low, a, error_a), (high, b, error_b) in zip(line, line[1:]):
        if low <= size <= high:
            part = math.log(size / low) / math.log(high / low) if high > low else 0.5
            return a + (b - a) * part, math.hypot((1 - part) * error_a, part * error_b)
    return line[-1][1:] if line and size >= line[-1][0] else (None, None)


def gain(line, point, deviation):
    """A curve's lead over a point at the point's size, and the standard error of the lead.  None below the curve's smallest point."""
    level, error = at_size(line, point.mean("file_bytes"))
    return None if level is None else (level - point.mean("top1"), math.hypot(error, point.error_by(deviation)))


def lead(line, others, deviation):
    """A curve's lead over each point of another method in words, and whether it is ahead.  None where the sizes do not overlap."""
    # (points ahead, standard error, bytes, whether a smaller gamma might do better there).
    gains = [(*found, size := point.mean("file_bytes"), size > line[-1][0]) for point in others if (found := gain(line, point, deviation))]
    text = "; ".join(f"{ahead:+.2f} ± {error:.2f} points at {size:,.0f} bytes" + (", beyond our largest" if beyond else "")
                     for ahead, error, size, beyond in gains)
    holds = (True if all(ahead > 2 * error for ahead, error, _, _ in gains) else
             False if any(ahead < -2 * error and not beyond for ahead, error, _, beyond in gains) else "undecided")
    return text or "no size in common", holds if gains else None


def kept(lost, error):
    """Whether accuracy is kept, given the loss of top-1 in points and its standard error."""
    return True if lost + 2 * error <= KEPT else False if lost - 2 * error > KEPT else "undecided"


def rank_text(rank):
    return "none" if math.isnan(rank) else f"{rank:.2f}"


def rank_correlation(pairs):
    """Spearman's rank correlation.  Ties share their mean rank.  NaN where a column does not vary."""
    def ranks(values):
        order = sorted(values)
        return [order.index(value) + (order.count(value) - 1) / 2 for value in values]
    a, b = (ranks(list(column)) for column in zip(*pairs))
    return statistics.correlation(a, b) if len(set(a)) > 1 and len(set(b)) > 1 else math.nan


def share(values, part):
    """The mean over the first tenth (part > 0) or the last tenth."""
    count = max(1, len(values) // 10)
    return statistics.fmean(values[:count] if part > 0 else values[-count:])


# Block names in the paper's figure 4 and in experiments/models/page_resnet.yaml.
PAPER_BLOCKS = {"prep": "prep.conv", "layer1": "layer1.conv", "res1_conv1": "residual1.a.conv", "res1_conv2": "residual1.b.conv",
                "layer2": "layer2.conv", "layer3": "layer3.conv", "res3_conv1": "residual3.a.conv",
                "res3_conv2": "residual3.b.conv"}


def channel_blocks(run):
    """(block, share kept in the paper, share kept here) of the convolutions in figure 4."""
    ours = {layer["layer"]: len(layer["channels"]) / layer["original_channels"] for layer in run.layers}
    out = []
    for row in paper("fig4_channels"):
        if (name := PAPER_BLOCKS.get(row["block"])) in ours:
            out.append((row["block"], int(row["after"]) / int(row["before"]), ours[name]))
    return out


def claims(run, points):
    """The table of claims: the paper's figures, the figures of these runs, and a verdict.  The rule beside a verdict decides it."""
    out = []

    def claim(text, said, found, holds, rule):
        verdict = {None: "not measured", True: "holds" if said == NOT_SAID else "as the paper",
                   False: "does not hold" if said == NOT_SAID else "differs"}.get(holds, holds)
        out.append({"claim": text, "paper": said, "ours": found, "rule": rule, "verdict": verdict})

    by_method = {}
    for point in points:
        by_method.setdefault(point.method, []).append(point)
    floats, ours = by_method.get("none", []), by_method.get("self_compress", [])
    found = seeds_deviation(points)
    deviation = ASSUMED if found is None else found
    errors = (f"One seed's top-1 is assumed to deviate by {ASSUMED} points." if found is None else
              f"One seed's top-1 deviates by {found:.2f} points, pooled over all settings.")

    def loss(top1, error):
        """(points behind the float network, standard error of that)."""
        return floats[0].mean("top1") - top1, math.hypot(floats[0].error_by(deviation), error)

    if run:
        sizes = run.sizes()
        theirs = [float(row["size_rel_to_fp32"]) for row in paper("fig1_size_by_epoch")]
        peak = max(size for _, size in sizes)
        rank = rank_correlation(sizes)
        claim("Fig. 1: size falls throughout training",
              f"{100 * theirs[0]:.1f}% to {100 * theirs[-1]:.1f}% of float",
              f"{100 * peak:.1f}% to {100 * sizes[-1][1]:.1f}%, rank correlation with the epoch {rank_text(rank)}",
              rank < -0.9 if len(sizes) > 1 else None,
              "rank correlation below -0.9")
        seconds = [value for _, value in run.seconds()]
        fig2 = [float(row["seconds"]) for row in paper("fig2_epoch_seconds")]
        ratio, macs = share(seconds, -1) / share(seconds, 1), run.macs()[-1] / run.macs()[0]
        claim("Fig. 2: an epoch's seconds fall with the size", f"{fig2[-1] / fig2[0]:.2f} of the first",
              f"{ratio:.2f} of the first tenth, at {macs:.2f} of its multiply-adds",
              ratio < 0.95 if len(seconds) >= 10 else None, "the last tenth of the epochs takes less than 0.95 of the first tenth's time; needs 10 epochs")
        claim("18% of the weights are left, float accuracy kept", "18%",
              f"{run.live_percent:.1f}%, {run.top1:.2f}% top-1" + (f", float {floats[0].mean('top1'):.2f}" if floats else ""),
              False if run.live_percent > 27 else kept(*loss(run.top1, deviation)) if floats else None,
              f"Holds at 27% or less, with at most {KEPT} points lost after 2 standard errors are added.  {errors}")
        blocks = channel_blocks(run)
        if len(blocks) > 2:
            thinned = sum(kept < 0.95 for _, _, kept in blocks)
            rank = rank_correlation([(a, b) for _, a, b in blocks])
            claim("Fig. 4: which layers lose most channels", "res3's first convolution (11% left), prep (47%), layer2 (44%)",
                  "least left: " + ", ".join(f"{name} {100 * kept:.0f}%" for name, _, kept in sorted(blocks, key=lambda b: b[2])[:3])
                  + f"; rank correlation with the paper's {rank_text(rank)}", rank > 0.64 if 2 * thinned >= len(blocks) else "undecided",
                  "Holds if the rank correlation is above 0.64, which has a chance of 5% with 8 layers.  Undecided if fewer than half of "
                  "the layers lost 5% of their channels.")
    if floats and ours:
        # (points lost, standard error, point) of the small files.  The first one is likeliest to have kept the accuracy.
        small = sorted(((*loss(point.mean("top1"), point.error_by(deviation)), point) for point in ours if point.mean("learned_percent") <= 4.5),
                       key=lambda found: found[0] + 2 * found[1])
        verdicts = [kept(lost, error) for lost, error, _ in small]
        holds = None if not small else verdicts[0] if verdicts[0] is True or set(verdicts) == {False} else "undecided"
        claim("Fig. 3: float accuracy is kept down to about 3% of the bits", f"{PAPER_FLOAT} ± 0.22 float; 95.45 at 3%",
              f"float {floats[0].mean('top1'):.2f}; " + (f"{small[0][2].mean('top1'):.2f} at {small[0][2].mean('learned_percent'):.2f}%"
                                                         if small else "no run is that small"), holds,
              f"Holds if a run at 4.5% or less loses at most {KEPT} points after 2 standard errors are added.  Differs if all lose more "
              f"after 2 are subtracted.  {errors}")
    for mine in ("self_compress", FROZEN):
        for other in by_method:
            if mine in by_method and other not in ("none", mine) and (mine, other) != ("self_compress", FROZEN):
                claim(f"{'Fig. 3' if mine == 'self_compress' else 'Frozen formats'}: ahead of {METHODS[other]} at its size",
                      "93.4 at 3.6%, where self-compression has 95.5" if (mine, other) == ("self_compress", "diffq") else NOT_SAID,
                      *lead(curve(by_method[mine], deviation), by_method[other], deviation),
                      f"Holds if ahead by more than 2 standard errors at each of its sizes from our smallest on.  Fails if behind by as much "
                      f"at a size up to our largest.  {errors}")
    return out


def markdown(scale, command, run, points, table):
    out = [f"# The paper's figures, {scale} size", "",
           f"Made by `{command}`.  The paper's points are digitized from its figures (`experiments/paper/figures`).", "",
           "| claim | paper | here | verdict | rule |", "|---|---|---|---|---|"]
    out += [f"| {row['claim']} | {row['paper']} | {row['ours']} | {row['verdict']} | {row['rule']} |" for row in table]
    out += ["", "| method | seeds | top-1 % | file bytes | learned bits, % of float | weights left % | seconds |",
            "|---|---|---|---|---|---|---|"]

    def spread(point, figure, decimals):
        error = point.error(figure)
        return f"{point.mean(figure):,.{decimals}f}" + (f" ± {error:,.{decimals}f}" if error is not None else "")
    for point in sorted(points, key=lambda point: (point.method, point.mean("file_bytes"))):
        seconds = statistics.fmean(each.result["time"]["train_seconds"] for each in point.runs)
        out.append(f"| {point.label} | {len(point.runs)} | {spread(point, 'top1', 2)} | {spread(point, 'file_bytes', 0)} | "
                   f"{spread(point, 'learned_percent', 2)} | {spread(point, 'live_percent', 1)} | {seconds:.0f} |")
    if any(len(point.runs) > 1 for point in points):
        out += ["", "± is the standard error of the mean over seeds."]
    out += [""] + [f"![{name}]({name}.svg)\n" for name in (["figure_1", "figure_2", "figure_4"] if run else []) +
                   (["figure_3"] if points else [])]
    return "\n".join(out)


def draw_one(folder, name, title, x, y, content):
    """Draws one figure as SVG.  `content` draws on its axes."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "scnn"   # the same input gives the same file
    from matplotlib import pyplot
    canvas, axes = pyplot.subplots(figsize=(7, 4.2))
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    content(axes)
    axes.legend(frameon=False, fontsize="small")
    canvas.tight_layout()
    canvas.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(canvas)


def draw_calibration(folder, runs):
    """Draws figure_1.svg: size by epoch, up to the last epoch of the longest run."""
    def content(axes):
        longest = max(len(run.epochs) for run in runs)
        theirs = paper("fig1_size_by_epoch")[:longest]   # its epoch 0 is the first
        axes.plot([int(row["epoch"]) + 1 for row in theirs], [100 * float(row["size_rel_to_fp32"]) for row in theirs], color="0.6",
                  label="paper")
        for run in runs:
            epochs, values = zip(*run.sizes())
            axes.plot(epochs, [100 * value for value in values], label=f"gamma {float(run.epochs[0]['gamma']):g}")
        axes.set_ylim(bottom=0)
    draw_one(folder, "figure_1", "Size by epoch", "epoch", "learned bits, % of 32-bit weights", content)


def draw(folder, run, points):
    """Draws figure_1.svg to figure_4.svg: the paper's points in grey, ours in colour."""
    from matplotlib.ticker import LogLocator
    figure = functools.partial(draw_one, folder)

    def over_training(axes, epochs, values, **style):
        """Plots against the share of training, so that runs of any length share one axis."""
        axes.plot([100 * epoch / max(epochs) for epoch in epochs], values, **style)

    grey = {"color": "0.6", "label": "paper"}
    if run:
        def size(axes):
            theirs = paper("fig1_size_by_epoch")
            over_training(axes, [int(row["epoch"]) for row in theirs], [100 * float(row["size_rel_to_fp32"]) for row in theirs], **grey)
            epochs, values = zip(*run.sizes())
            over_training(axes, epochs, [100 * value for value in values], label="here")
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
        figure("figure_1", "Size by epoch", "training done (%)", "learned bits, % of 32-bit weights", size)

        def seconds(axes):
            theirs = paper("fig2_epoch_seconds")
            first = float(theirs[0]["seconds"])
            over_training(axes, [int(row["epoch"]) for row in theirs], [float(row["seconds"]) / first for row in theirs], marker="o", **grey)
            epochs, values = zip(*run.seconds())
            over_training(axes, epochs, [value / share(values, 1) for value in values], label="here")
            axes.plot([100 * epoch / max(epochs) for epoch in epochs], [macs / run.macs()[0] for macs in run.macs()], ":",
                      label="multiply-adds left, here")
            axes.set_ylim(bottom=0)
        figure("figure_2", "Seconds of an epoch, relative to the start", "training done (%)", "ratio", seconds)

        def channels(axes):
            blocks = channel_blocks(run)
            places = range(len(blocks))
            axes.bar([place - 0.2 for place in places], [100 * theirs for _, theirs, _ in blocks], 0.4, **grey)
            axes.bar([place + 0.2 for place in places], [100 * ours for _, _, ours in blocks], 0.4, label="here")
            axes.margins(y=0.25)   # for the legend
            axes.set_xticks(list(places), [name for name, _, _ in blocks], rotation=30, ha="right")
        figure("figure_4", "Output channels left by layer", "", "% of those at the start", channels)
    if points:
        floats = [point for point in points if point.method == "none"]
        ours, theirs = (floats[0].mean("top1"), PAPER_FLOAT) if floats else (0, 0)

        def locus(axes):
            for method, style in (("self_compression", "o"), ("diffq", "x")):
                found = [row for row in paper("fig3_pareto") if row["method"] == method]
                axes.plot([float(row["percent_of_fp32_bits"]) for row in found], [float(row["top1"]) - theirs for row in found],
                          style + "-", color="0.7", label=f"paper, {METHODS['diffq' if method == 'diffq' else 'self_compress']}")
            for method in METHODS:
                mine = sorted((100 * 8 * p.mean("file_bytes") / 32 / p.runs[0].result["size"]["original_weights"], p.mean("top1") - ours,
                               p.error("top1") or 0) for p in points if p.method == method)
                if mine and not (method == "none" and floats):
                    x, y, error = zip(*mine)
                    axes.errorbar(x, y, yerr=error, marker="o" if method in ("self_compress", FROZEN) else "s", capsize=2,
                                  linestyle="-" if len(mine) > 1 else "none", label=METHODS[method])
            if floats:
                axes.axhline(0, color="0.3", linewidth=1, linestyle=":", label="float")
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        figure("figure_3", "Accuracy against size", "whole file, % of 32-bit weights (paper: bits of weights)",
               "test top-1, points from float's" if floats else "test top-1 (%)", locus)
