#pragma once

#include <memory>
#include <string>

#include "collector/credentials.hpp"
#include "core/job.hpp"
#include "core/source_parser.hpp"

namespace pawl::test {

/// A source file for a test, parsed by the real parser.
[[nodiscard]] inline std::shared_ptr<const core::SourceFile> source_of(const std::string& yaml) {
    return std::make_shared<const core::SourceFile>(core::parse_source_text(yaml, "test.yaml", {}));
}

/// One stream of https://api.example.com with this `paginate`, taking `id` from a list.
[[nodiscard]] inline std::shared_ptr<const core::SourceFile> source_paged(
    const std::string& paginate, const std::string& more = "") {
    return source_of(
        "source: test\n"
        "base_url: https://api.example.com\n" +
        more +
        "streams:\n"
        "  item:\n"
        "    foreach: {list: [1], as: id}\n"
        "    path: /things/{id}\n"
        "    query: {per_page: 2}\n"
        "    paginate: " +
        paginate +
        "\n"
        "    key: id\n");
}

[[nodiscard]] inline core::SliceDescriptor slice_of(const core::Stream& stream,
                                                    std::string list = R"({"id": 1})") {
    core::SliceDescriptor slice;
    slice.slice = 17;
    slice.partition = 3;
    slice.stream = stream.name;
    slice.part = stream.name;
    slice.request_hash = stream.request_hash;
    slice.list = std::move(list);
    return slice;
}

/// An account whose keys have their own text for a fingerprint.
[[nodiscard]] inline collector::Account account_of(const std::string& owner, const std::vector<std::string>& secrets,
                                                   const std::vector<std::string>& scopes = {}) {
    collector::Account account{owner, {}};
    for (const auto& secret : secrets) account.keys.push_back({secret, secret, scopes, true});
    return account;
}

}  // namespace pawl::test
