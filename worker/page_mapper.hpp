#pragma once

#include <string>

#include "core/job.hpp"
#include "core/rows.hpp"
#include "core/source_file.hpp"
#include "storage/page_store.hpp"

namespace pawl::worker {

/// Maps one page to the rows of all emits of its stream. Pure. `body` is the decompressed body.
/// A record that cannot become a row (key missing or null, newest not a time) is rejected, not thrown.
/// Throws core::PermanentError when the page as a whole cannot be read: it becomes a dead letter.
[[nodiscard]] core::PageRows map_page(const core::Stream& stream, const core::Job& job, std::string body);

/// A page that the API says is empty, without a body: which rows it stands for, where absence means something.
[[nodiscard]] core::PageRows map_empty_page(const core::Stream& stream, const core::Job& job);

/// The page as it is stored: its rows; or, where it cannot be read, why it is a dead letter. `body_max`: bytes after
/// decompression.
[[nodiscard]] storage::PageCommit mapped(const core::SourceFile& source, const core::Job& job, std::size_t body_max);

}  // namespace pawl::worker
