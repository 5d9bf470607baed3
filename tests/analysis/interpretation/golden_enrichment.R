# Makes golden_enrichment.tsv: over-representation by R's own phyper and p.adjust. See README.md.
set.seed(1)
backgrounds <- c("1" = 60, "7" = 400, "20" = 4386, "150" = 18000)
tables <- lapply(c(1, 7, 20, 150), function(query) {
  background <- backgrounds[[as.character(query)]]
  set_size <- sample(2:min(500, background - 1), 60, replace = background < 62)
  least <- pmax(0, query + set_size - background)
  most <- pmin(query, set_size)
  overlap <- pmin(most, pmax(least, rbinom(60, most, runif(60, 0, 0.6))))
  set_size <- c(set_size, background) # a set of all genes, so that all are annotated
  overlap <- c(overlap, query)
  p <- phyper(overlap - 1, set_size, background - set_size, query, lower.tail = FALSE)
  data.frame(query, background, set_size, overlap, p, q = p.adjust(p, "BH"))
})
rows <- do.call(rbind, tables)
rows$p <- sprintf("%.17g", rows$p)
rows$q <- sprintf("%.17g", rows$q)
write.table(rows, "golden_enrichment.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
