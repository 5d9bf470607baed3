process TSPG_RUN {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    // The image that packaging/Dockerfile of tspg makes; no registry has one yet.
    container "tspg:0.2.0"

    input:
    tuple val(meta), path(expression), path(labels), val(target)
    path gene_sets

    output:
    tuple val(meta), path("${prefix}")                    , emit: run
    tuple val(meta), path("${prefix}/report.html")        , emit: report
    tuple val(meta), path("${prefix}/genes.tsv")          , emit: genes
    tuple val(meta), path("${prefix}/evidence.tsv")       , emit: evidence
    tuple val(meta), path("${prefix}/perturbations.h5ad") , emit: perturbations
    tuple val(meta), path("${prefix}/metrics.json")       , emit: metrics
    tuple val("${task.process}"), val('tspg'), eval("tspg --version | sed 's/^tspg //'"), topic: versions, emit: versions_tspg

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    def with_labels = labels ? "--labels ${labels}" : ''
    def with_gene_sets = gene_sets ? "--gene-sets ${gene_sets}" : ''
    def to_target = "'" + target.replace("'", "'\\''") + "'" // a class may have any name
    """
    tspg run \\
        --expression ${expression} \\
        ${with_labels} \\
        ${with_gene_sets} \\
        --target ${to_target} \\
        --threads ${task.cpus} \\
        --out ${prefix} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir -p ${prefix}
    touch ${prefix}/report.html ${prefix}/genes.tsv ${prefix}/evidence.tsv
    touch ${prefix}/perturbations.h5ad ${prefix}/metrics.json
    """
}
