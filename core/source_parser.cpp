#include "core/source_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/schedule.hpp"
#include "core/source_parts.hpp"

namespace pawl::core {

namespace {

using namespace reading;

constexpr std::size_t source_name_bytes_max = 40;
constexpr std::size_t streams_max = 500;

std::string read_source_name(const MapReader& file, Problems& problems) {
    const YamlNode* node = file.require("source", "what is the API called?");
    if (node == nullptr) return "";
    return read_name(*node, "source", source_name_bytes_max, problems).value_or("");
}

std::string read_base_url(const MapReader& file, Problems& problems) {
    const YamlNode* node = file.find("base_url");
    if (node == nullptr) return "";
    std::string url = file.text("base_url");
    if (url.empty()) return url;
    std::optional<std::string> fault = url_fault(url);
    if (!fault && url.find_first_of("{}") != std::string::npos)
        fault = "must not hold {placeholders}: they belong into \"path\"";
    if (!fault && url.find('?') != std::string::npos)
        fault = "must not hold a query: use \"defaults\"";
    if (fault) problems.add(node->at, "\"base_url\" " + *fault);
    while (url.ends_with('/')) url.pop_back();
    return fault ? "" : url;
}

/// A schema that belongs to pawl or to Postgres itself.
bool is_reserved_schema(std::string_view name) {
    return name == "pawl" || name == "information_schema" || name.starts_with("pg_");
}

void read_tables(const MapReader& file, SourceFile& source, Problems& problems) {
    source.schema = source.name;
    Position at = file.at();
    if (const YamlNode* name = file.node().find("source")) at = name->at;
    if (const auto map = file.open("tables")) {
        if (const YamlNode* schema = map->find("schema")) {
            at = schema->at;
            source.schema = read_name(*schema, "schema", 63, problems).value_or("");
        }
        source.create_tables = map->boolean("create", true);
        source.drift = choose<SourceFile::Drift>(map->choice("drift"),
                                                 {{"freeze", SourceFile::Drift::freeze},
                                                  {"add_columns", SourceFile::Drift::add_columns},
                                                  {"overflow", SourceFile::Drift::overflow}},
                                                 SourceFile::Drift::add_columns);
    }
    if (is_reserved_schema(source.schema))
        problems.add(at, fmt::format("schema \"{}\" is not for tables of a source", source.schema),
                     "choose another: tables: {schema: …}");
}

void read_cron(const MapReader& map, Schedule& schedule, Problems& problems) {
    schedule.cron = map.text("cron");
    schedule.timezone = map.text("timezone", "UTC");
    if (map.has("timezone") && !is_time_zone(schedule.timezone)) {
        problems.add(
            map.node().find("timezone")->at,
            fmt::format("\"{}\" is not a time zone such as Asia/Seoul", schedule.timezone));
        schedule.timezone = "UTC";
    }
    if (schedule.cron.empty()) return;
    try {
        if (!next_fire(schedule, WallTime{}))
            problems.add(map.node().find("cron")->at,
                         fmt::format("\"{}\" is a date that never comes", schedule.cron));
    } catch (const ConfigError& error) {
        problems.add(map.node().find("cron")->at, error.what());
    }
}

void read_every(const MapReader& map, Schedule& schedule, Problems& problems) {
    schedule.every = map.duration("every");
    if (schedule.every && *schedule.every < std::chrono::seconds(1))
        problems.add(map.node().find("every")->at, "\"every\" must be at least 1s");
}

void read_schedule(const MapReader& file, SourceFile& source, Problems& problems) {
    const auto map = file.open("schedule");
    if (!map) return;
    const auto which = map->one_of({"every", "cron"});
    if (!which) problems.add(map->at(), "\"every\" or \"cron\" is missing: when does it fire?");
    if (which == "every") read_every(*map, source.schedule, problems);
    if (which == "cron") read_cron(*map, source.schedule, problems);
    if (map->has("timezone") && !map->has("cron"))
        problems.add(map->at(), "\"timezone\" is for \"cron\" only");
    const YamlNode* streams = map->find("streams");
    if (streams == nullptr) return;
    source.schedule.streams = read_names(*streams, "streams", problems);
    std::vector<std::string> known;
    for (const Stream& stream : source.streams) known.push_back(stream.name);
    for (const std::string& name : source.schedule.streams)
        if (source.find(name) == nullptr)
            problems.add(streams->at, fmt::format("there is no stream \"{}\"", name),
                         did_you_mean(name, known));
}

/// Listed, or with nothing listed: those whose partitions the file itself names.
bool is_scheduled(const Stream& stream, const Schedule& schedule) {
    if (schedule.streams.empty())
        return stream.foreach_.kind == Foreach::Kind::once ||
               stream.foreach_.kind == Foreach::Kind::list;
    return std::find(schedule.streams.begin(), schedule.streams.end(), stream.name) !=
           schedule.streams.end();
}

void read_streams(const MapReader& file, SourceFile& source, Problems& problems) {
    const StreamDefaults defaults = read_stream_defaults(file, problems);
    const YamlNode* node = file.require("streams", "what is asked for?");
    if (node == nullptr) return;
    if (!node->is_map() || node->members.empty()) {
        problems.add(node->at, "\"streams\" must be a map from names to streams");
        return;
    }
    if (node->members.size() > streams_max) {
        problems.add(node->at, fmt::format("more than {} streams", streams_max), "a source can be split into several files");
        return;
    }
    for (const YamlNode::Member& member : node->members) {
        if (!is_name(member.name, 63))
            problems.add(member.at,
                         fmt::format("stream \"{}\" must be lower-case letters, digits and _, "
                                     "beginning with a letter (at most 63 bytes)",
                                     member.name));
        if (member.value.is_map())
            source.streams.push_back(read_stream(member, defaults, source.base_url, problems));
        else
            problems.add(member.at, fmt::format("stream \"{}\" must be a map", member.name));
    }
}

SourceFile read_source(const YamlNode& root, Problems& problems) {
    const MapReader file{root, "", problems};
    SourceFile source;
    source.name = read_source_name(file, problems);
    source.base_url = read_base_url(file, problems);
    source.credentials = read_credentials(file, problems);
    source.auth = read_auth(file, problems);
    source.limits = read_limits(file, problems);
    source.feedback = read_feedback(file, source.limits, problems);
    source.errors = read_errors(file, problems);
    for (ErrorRule& rule :
         default_errors(source.credentials || source.auth, source.feedback.retry_after))
        source.errors.push_back(std::move(rule));
    read_streams(file, source, problems);
    check_streams(source, root, problems);
    read_tables(file, source, problems);
    read_schedule(file, source, problems);
    if (!problems.empty()) return source;  // parts that others need may be missing
    for (Stream& stream : source.streams) {
        complete_stream(stream, source.limits);
        stream.scheduled = is_scheduled(stream, source.schedule);
    }
    return source;
}

}  // namespace

SourceFile load_source_file(const std::string& path,
                            const std::map<std::string, std::string>& environment) {
    return parse_source_text(read_text_file(path), path, environment);
}

SourceFile parse_source_text(std::string_view text, const std::string& file_name,
                             const std::map<std::string, std::string>& environment) {
    Problems problems{file_name, text};
    const YamlNode root = parse_yaml(text, environment, problems);
    if (root.kind == YamlNode::Kind::invalid) problems.throw_if_any();
    if (!root.is_map()) {
        problems.add({1, 1},
                     root.is_null() ? "the file is empty" : "the file must be a map of fields",
                     "it begins with source: NAME");
        problems.throw_if_any();
    }
    SourceFile source = read_source(root, problems);
    source.file = file_name;
    problems.throw_if_any();
    return source;
}

}  // namespace pawl::core
