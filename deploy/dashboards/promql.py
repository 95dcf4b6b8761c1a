"""Expressions that the dashboards share. An error is defined as in `prometheus/recording.yml`."""

from names import DURATION, ERROR, METHOD, ROUTE

# The selected instances, and the selected requests to them.
INSTANCES = 'job=~"$service",instance=~"$instance"'
METHODS = f'{INSTANCES},{METHOD}=~"$method"'
REQUESTS = f'{METHODS},{ROUTE}=~"$route"'
FAILED = f'{ERROR}!="",{ERROR}!~"cancelled_.*"'


def where(*matchers):
    return "{" + ",".join(matchers) + "}"


def rate(metric, *matchers):
    return f"rate({metric}{where(*matchers)}[$__rate_interval])"


def increase(metric, *matchers):
    return f"increase({metric}{where(*matchers)}[$__rate_interval])"


def total(of, *by):
    """The sum, for each value of the labels `by`."""
    return f"sum by ({', '.join(by)}) ({of})" if by else f"sum({of})"


def or_zero(part, whole):
    """`part`, and zero where only `whole` has a series."""
    return f"({part} or 0 * {whole})"


def share(part, whole):
    """The ratio of both. Without `whole` there is none, so the result is never NaN."""
    return f"{or_zero(part, whole)} / ({whole} > 0)"


def quantile(q, histogram, matchers, *by):
    """A quantile in the intervals that have observations."""
    buckets = total(rate(f"{histogram}_bucket", matchers), "le", *by)
    observed = total(rate(f"{histogram}_count", matchers), *by)
    return f"histogram_quantile({q}, {buckets}) and {observed} > 0"


def average(histogram, matchers, *by):
    observed = total(rate(f"{histogram}_count", matchers), *by)
    return f"{total(rate(f'{histogram}_sum', matchers), *by)} / ({observed} > 0)"


def requests(*by, matchers=REQUESTS, histogram=DURATION):
    return total(rate(f"{histogram}_count", matchers), *by)


def failed_requests(*by, matchers=REQUESTS, histogram=DURATION, failed=FAILED):
    return total(rate(f"{histogram}_count", matchers, failed), *by)


def failed_share(*by, **of):
    of_all = {key: value for key, value in of.items() if key != "failed"}
    return share(failed_requests(*by, **of), requests(*by, **of_all))
