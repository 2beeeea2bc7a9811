#include "app/sample.hpp"

#include <fmt/format.h>

#include "app/api_access.hpp"
#include "core/errors.hpp"
#include "storage/page_sample.hpp"
#include "storage/pg_token_store.hpp"

namespace pawl::app {

namespace {

storage::Finding finding_of(const std::string& source, const storage::SampledPage& page, bool explained, std::string text) {
    return {explained, fmt::format("{}.{} '{}' slice {} page {}", source, page.slice.stream, page.slice.part, page.slice.slice, page.seq),
            std::move(text)};
}

/// Rows of the page that are not in their tables.
std::int64_t missing_of(Session& session, const core::SourceFile& source, const DryPage& page) {
    std::int64_t missing = 0;
    for (const auto& rows : page.rows.emits)
        missing += session.wait_for(storage::rows_missing(session.postgres, source.schema, page.stream->emits[rows.emit], rows));
    return missing;
}

}  // namespace

SampleReport ask_again(Session& session, std::shared_ptr<const core::SourceFile> source, const std::string& stream,
                       std::size_t count) {
    storage::PgTokenStore store(session.postgres);
    ApiAccess api(session, source, &store);
    auto preview = api.preview({});
    SampleReport report;
    for (const auto& sampled : session.wait_for(storage::sample_pages(session.postgres, source->name, stream, count))) {
        const auto* asked = source->find(sampled.slice.stream);
        if (asked == nullptr) continue;
        ++report.asked;
        try {
            const auto page = session.wait_for(preview.again(*asked, sampled.slice, sampled.cursor));
            const bool is_same = page.body_hash == sampled.body_hash;
            ++(is_same ? report.unchanged : report.changed);
            const auto missing = missing_of(session, *source, page);
            if (is_same && missing > 0)
                report.findings.push_back(finding_of(source->name, sampled, false,
                                                     fmt::format("the API answers as it did, but {} of its rows are not stored", missing)));
            if (!is_same)
                report.findings.push_back(finding_of(source->name, sampled, true,
                                                     fmt::format("the API answers otherwise now; {} rows of that are not stored yet", missing)));
        } catch (const core::RefusedError&) {
            throw;
        } catch (const std::exception& error) {
            report.findings.push_back(finding_of(source->name, sampled, true, std::string("could not be asked for again: ") + error.what()));
        }
    }
    return report;
}

}  // namespace pawl::app
