# tspg from R, by plain files both ways. Needs R without further packages, and tspg on the PATH:
#
#     Rscript examples/from_r.R
#
# In place of your own matrix: the colorectal tumours that tspg carries, written once by Python. All files go into ./from_r.

dir.create("from_r")
setwd("from_r")
Sys.unsetenv("LD_LIBRARY_PATH") # R names its libraries there, and Python would take them for its own
carried <- "import tspg; d = tspg.demo_data(); d.to_df().T.to_csv('carried.tsv', sep='\\t'); d.obs.to_csv('carried_samples.tsv', sep='\\t')"
stopifnot(system2(Sys.getenv("PYTHON", "python3"), c("-c", shQuote(carried))) == 0)

# As Bioconductor has them: a matrix of genes x samples on a log scale, and a data frame of the samples. Of a DESeqDataSet
# `assay(vst(dds))` and `colData(dds)`, of edgeR `cpm(y, log = TRUE)` and `y$samples`, of limma's voom `v$E` and `v$targets`.
expression <- as.matrix(read.delim("carried.tsv", row.names = 1, check.names = FALSE))
samples <- read.delim("carried_samples.tsv", row.names = 1)

# Out of R. `col.names = NA` leaves a name above the genes; without it the first sample's name would stand there.
write.table(expression, "matrix.tsv", sep = "\t", quote = FALSE, col.names = NA)
labels <- data.frame(sample = rownames(samples), class = samples$subtype, patient = samples$patient)
write.table(labels, "labels.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

# Which genes change from genomically stable tumours to microsatellite-instable ones?
run <- c(
  "run", "--expression", "matrix.tsv", "--labels", "labels.tsv", "--label-column", "class", "--group-column", "patient",
  "--source", "GI.GS", "--target", "GI.MSI", "--out", "run"
)
stopifnot(system2("tspg", shQuote(run)) == 0)

# Back into R: every table of the run folder is read so.
read_table <- function(file) read.delim(file, check.names = FALSE, na.strings = "")
genes <- read_table("run/genes.tsv")
genes <- genes[genes$source_class %in% "GI.GS", ]
genes <- genes[order(genes$p_value), ]
cat(sum(genes$q_value < 0.05), "of", nrow(genes), "genes differ (q < 0.05); the first ten:\n")
print(head(genes[, c("gene", "difference", "difference_low", "difference_high", "q_value")], 10), row.names = FALSE)

terms <- read_table("run/enrichment_ranked.tsv")
terms <- terms[terms$source_class %in% "GI.GS" & is.na(terms$sample) & terms$category == "Hallmark", ]
cat("The first gene sets of Hallmark:\n")
print(head(terms[order(terms$p_value), c("term", "statistic", "q_value_correlated")], 5), row.names = FALSE)
